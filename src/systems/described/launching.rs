//! The command line of one member, and the files that it reads.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nemesis::env::Launch;
use workloads::template::{Lookup, RenderError, Template, Who};

use super::description::{Arg, Bug, Process};
use super::variables::Variables;
use crate::systems::Member;

/// Whether the program is there.
///
/// # Errors
/// When it is not; with how to get it.
pub(super) fn require(process: &Process, folder: &Path) -> Result<()> {
    let program = process.program.source();
    // A program whose place depends on the member is looked for when that is known.
    if program.contains('{') {
        return Ok(());
    }
    find(program, process, folder).map(|_| ())
}

/// Writes the member's files, and says what to run.
///
/// # Errors
/// When a file cannot be written, or the program is not there.
pub(super) fn launch(
    process: &Process,
    bug: Option<&Bug>,
    member: &Member<'_>,
    variables: &Variables,
    folder: &Path,
) -> Result<Launch> {
    for file in &process.files {
        let path = variables.data().join(file.path.render(variables)?);
        let text = file.text.render(variables)?;
        std::fs::create_dir_all(path.parent().unwrap_or(variables.data()))
            .and_then(|()| std::fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut args = Vec::new();
    for arg in process.args.iter().chain(bug.iter().flat_map(|bug| &bug.args)) {
        args.extend(words(arg, variables)?);
    }
    let mut env = Vec::new();
    for (name, value) in process.env.iter().chain(bug.iter().flat_map(|bug| &bug.env)) {
        env.push((name.clone(), value.render(variables)?));
    }
    Ok(Launch {
        program: find(&process.program.render(variables)?, process, folder)?,
        args,
        env,
        dir: variables.data().to_owned(),
        log: member.log.clone(),
    })
}

fn words(arg: &Arg, variables: &Variables) -> Result<Vec<OsString>, RenderError> {
    let render = |words: &[Template<_>], values: &dyn Lookup| {
        words.iter().map(|word| Ok(OsString::from(word.render(values)?))).collect()
    };
    let for_each = |who: Who, words: &[Template<_>]| {
        let each: Result<Vec<Vec<OsString>>, RenderError> =
            variables.each(who).iter().map(|one| render(words, one.as_ref())).collect();
        each.map(|each| each.concat())
    };
    match arg {
        Arg::Word(word) => render(std::slice::from_ref(word), variables),
        Arg::Members(words) => for_each(Who::Members, words),
        Arg::Others(words) => for_each(Who::Others, words),
    }
}

/// Where a program is: in `$PATH` if it is a name, else at its path, seen from `folder`.
fn find(program: &str, process: &Process, folder: &Path) -> Result<PathBuf> {
    let cure = process.install.as_deref().map(|cure| format!(": {cure}")).unwrap_or_default();
    if program.contains('/') {
        let path = std::path::absolute(folder.join(program))
            .with_context(|| format!("cannot find {program}"))?;
        if !path.is_file() {
            bail!("[process] program: there is no file {}{cure}", path.display());
        }
        return Ok(path);
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&folders).map(|dir| dir.join(program)).find(|path| path.is_file());
    found.with_context(|| format!("[process] program: there is no {program} in $PATH{cure}"))
}
