//! The commands that start, break or reach the nodes of a cluster, or say what there is for that.

pub mod attached;
pub mod client_check;
mod columns;
pub mod compose;
pub mod docker_hands;
pub mod doctor;
pub mod heal;
pub mod list;
pub mod rerun;
pub mod sandbox_node;
pub mod suite;
pub mod test;

use clap::Subcommand;

use crate::console::Console;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Test(Box<test::Args>),
    Suite(suite::Args),
    Rerun(rerun::Args),
    Doctor(doctor::Args),
    Heal(heal::Args),
    List(list::Args),
    ClientCheck(client_check::Args),
    #[command(hide = true)]
    SandboxNode(sandbox_node::Args),
    #[command(hide = true)]
    DockerHands(docker_hands::Args),
}

impl Command {
    pub(crate) fn run(self, console: &Console) -> anyhow::Result<Exit> {
        match self {
            Command::Test(args) => test::run(&args, console),
            Command::Suite(args) => suite::run(&args, console),
            Command::Rerun(args) => rerun::run(&args, console),
            Command::Doctor(args) => doctor::run(&args, console),
            Command::Heal(args) => heal::run(&args, console),
            Command::List(args) => list::run(&args, console),
            Command::ClientCheck(args) => client_check::run(&args, console),
            Command::SandboxNode(args) => sandbox_node::run(&args, console),
            Command::DockerHands(args) => docker_hands::run(&args, console),
        }
    }
}
