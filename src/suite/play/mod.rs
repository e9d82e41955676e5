//! Playing a night: one open cell after the other, until there is none, the limits are spent, or
//! somebody asks to stop.

mod child;
pub mod parent;
pub mod table;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;

use self::child::{Place, Ran, Stops};
use super::{Cell, Night, Standing, Suite};
use crate::console::Console;
use crate::pages;
use crate::store::{Outcome, Record};

/// How a session of a night ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Played {
    /// There is nothing left to run.
    Ended,
    /// Somebody asked to stop; the same command goes on.
    Interrupted,
}

/// Plays what is open of a night.
///
/// # Errors
/// When the store cannot be written; what has been run by then is on record.
pub fn play(suite: &Suite, night: &mut Night, console: &Console) -> Result<Played> {
    // One thread, and that the main one: the kernel tells children when the *thread* that started
    // them ends.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let mut session = Session::new(suite, night, console);
    runtime.block_on(session.play())
}

struct Session<'a> {
    suite: &'a Suite,
    night: &'a mut Night,
    console: &'a Console,
    /// What earlier sessions of the night took.
    before: Duration,
    began: Instant,
}

impl<'a> Session<'a> {
    fn new(suite: &'a Suite, night: &'a mut Night, console: &'a Console) -> Session<'a> {
        let before = night.records().iter().filter_map(took).sum();
        Session { suite, night, console, before, began: Instant::now() }
    }

    async fn play(&mut self) -> Result<Played> {
        let mut stops = Stops::listen().context("listening for ctrl-c")?;
        let cells = self.night.plan.cells.clone();
        for (number, cell) in cells.iter().enumerate() {
            while let Standing::Open(attempt) = self.night.standing(cell) {
                if let Some(why) = self.spent(cell)? {
                    self.console.say(format_args!("no further cell: {why}"));
                    self.night.end(Some(why))?;
                    self.draw();
                    return Ok(Played::Ended);
                }
                let ran = self.attempt(number, cell, attempt, &mut stops).await?;
                if ran.half {
                    self.draw();
                    return Ok(Played::Interrupted);
                }
                let row = table::row(number + 1, cells.len(), cell, &ran.record);
                self.night.add(cell, ran.record)?;
                self.console.say(row);
                if number + 1 < cells.len() && stops.asked > 0 {
                    self.draw();
                    return Ok(Played::Interrupted);
                }
                self.draw();
            }
        }
        self.night.end(None)?;
        self.draw();
        Ok(Played::Ended)
    }

    async fn attempt(
        &self,
        number: usize,
        cell: &Cell,
        attempt: u32,
        stops: &mut Stops,
    ) -> Result<Ran> {
        let mut progress = self.console.progress();
        let all = self.night.plan.cells.len();
        let again = if attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
        let what = format!("cell {} of {all}{again}: {}", number + 1, cell.label());
        if !progress.is_shown() {
            self.console.say(&what);
        }
        let left = self.left(number)?;
        let live = |elapsed: Duration| {
            let rest = left.saturating_sub(elapsed);
            format!("{what}   {}, about {} left", table::clock(elapsed), table::clock(rest))
        };
        let place = Place {
            night: self.night.folder(),
            name: &self.night.plan.name,
            lock: self.night.held_lock(),
            limit: self.suite.cell_limit.map(|limit| limit.0),
        };
        child::run(cell, &place, stops, &mut progress, live).await
    }

    /// Why no further cell is to begin, if so.
    fn spent(&self, cell: &Cell) -> Result<Option<String>> {
        let found =
            self.night.records().iter().filter(|record| record.verdict == Outcome::Invalid).count();
        if let Some(most) = self.suite.violations.filter(|most| found >= *most as usize) {
            return Ok(Some(format!("{found} cells show a violation, and {most} are enough")));
        }
        let Some(limit) = self.suite.time_limit else { return Ok(None) };
        let needed = self.before + self.began.elapsed() + cell.scenario()?.time_limit.0;
        let why = || format!("the next would not end within the time limit of {limit}");
        Ok((needed > limit.0).then(why))
    }

    /// How long the cells from this one on may take: their loads, and what lies around a load so
    /// far.
    fn left(&self, from: usize) -> Result<Duration> {
        let cells = &self.night.plan.cells[from..];
        let loads: Duration =
            cells.iter().map(|cell| Ok(cell.scenario()?.time_limit.0)).sum::<Result<_>>()?;
        let around: Vec<Duration> = (self.night.records().iter())
            .filter_map(|one| Some(took(one)?.saturating_sub(Duration::from_millis(one.load_ms))))
            .collect();
        let tried = u32::try_from(around.len()).unwrap_or(u32::MAX);
        let mean = around.iter().sum::<Duration>().checked_div(tried);
        Ok(loads + mean.unwrap_or_default() * u32::try_from(cells.len()).unwrap_or(u32::MAX))
    }

    /// Draws the pages anew; that this fails concerns nobody's verdict.
    fn draw(&self) {
        let of_store = pages::of_store(self.night.store());
        for warning in pages::of_night(self.night).into_iter().chain(of_store) {
            self.console.say(format_args!("warning: {warning}"));
        }
    }
}

/// How long a run took in all.
fn took(record: &Record) -> Option<Duration> {
    let (started, ended): (Timestamp, Timestamp) =
        (record.started.parse().ok()?, record.ended.parse().ok()?);
    ended.duration_since(started).try_into().ok()
}
