//! What a run asks of a workload.

/// Everything that shapes the load; plain data, stored in the run's manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    /// The run's seed, from which every worker's streams are derived.
    pub seed: u64,
    /// How many workers act at once.
    pub workers: usize,
    /// How many nodes the system has.
    pub nodes: usize,
    /// Operations a second, all workers together; as fast as answers come when absent.
    pub rate_per_s: Option<f64>,
    /// About how many operations a key receives from all workers of its group together. Each
    /// worker's share of it is jittered by the seed.
    pub ops_per_key: u32,
    /// At most how many of a worker's operations on one key may change it. Each of them can end as
    /// `info` and keep a crashed process open on the key for ever, which is what makes a history
    /// expensive to judge; so this is also the cap on retired processes by worker and key. It
    /// binds when calls are generated, not when they crash, because a stream must not depend on
    /// outcomes.
    pub mutations_per_key: u32,
    /// Draw values from `0..n` instead of never using one twice.
    pub values: Option<u32>,
    /// When the load ends, in nanoseconds since the start.
    pub time_limit_ns: u64,
}

impl Default for Params {
    fn default() -> Params {
        Params {
            seed: 0,
            workers: 10,
            nodes: 5,
            rate_per_s: Some(500.0),
            ops_per_key: 320,
            mutations_per_key: 16,
            values: None,
            time_limit_ns: 15_000_000_000,
        }
    }
}

/// Which node a process talks to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Route {
    /// Its own, whatever that node's role. Clients that chase the leader never meet a deposed one,
    /// and so never see what it still answers.
    #[default]
    Pinned,
    /// The one that leads, as far as the nodes know.
    Leader,
}

/// Where a worker stands among those that share its keys.
///
/// Groups have two workers a node where there are enough of them: one that reads and one that
/// writes, so that every key is read and written through every node at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which group; it works on the keys `group`, `group + groups`, `group + 2 * groups`, ….
    pub(crate) group: usize,
    /// How many groups there are.
    pub(crate) groups: usize,
    /// Which member of its group.
    pub(crate) position: usize,
    /// How many members its group has.
    pub(crate) size: usize,
}

impl Place {
    pub(crate) fn of(worker: usize, params: &Params) -> Place {
        let usual_size = 2 * params.nodes.max(1);
        let groups = (params.workers / usual_size).max(1);
        // Workers that make no whole group of their own join the last one.
        let group = (worker / usual_size).min(groups - 1);
        let position = worker - group * usual_size;
        let is_last = group + 1 == groups;
        let size = if is_last { params.workers - group * usual_size } else { usual_size };
        Place { group, groups, position, size: size.max(1) }
    }

    /// How many members of the group only read a key. Members beside each other do, which sit on
    /// different nodes.
    pub(crate) fn readers(&self) -> usize {
        self.size / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worker_has_one_place_and_every_group_has_a_writer() {
        for nodes in [1, 2, 3, 5, 7] {
            for workers in 1..40 {
                let params = Params { nodes, workers, ..Params::default() };
                let places: Vec<Place> = (0..workers).map(|w| Place::of(w, &params)).collect();
                for place in &places {
                    let members = places.iter().filter(|p| p.group == place.group).count();
                    assert_eq!(members, place.size);
                    assert!(place.position < place.size && place.readers() < place.size);
                }
            }
        }
    }
}
