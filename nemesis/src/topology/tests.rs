use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::seed;

fn draw(shape: &Topology, count: u16, seed: u64) -> Result<Partition, TopologyError> {
    shape.draw(&NodeId::cluster(count), &[NodeId(1)], &mut seed::rng(seed, "test"))
}

/// The nodes that a node hears, itself included.
fn heard_by(node: NodeId, count: u16, grudge: &Grudge) -> BTreeSet<NodeId> {
    NodeId::cluster(count)
        .into_iter()
        .filter(|&other| other == node || !grudge.cuts(Link::new(other, node)))
        .collect()
}

/// Sizes of the parts into which the network falls, smallest first.
fn parts(count: u16, grudge: &Grudge) -> Vec<usize> {
    let views: BTreeSet<_> =
        NodeId::cluster(count).into_iter().map(|node| heard_by(node, count, grudge)).collect();
    let mut sizes: Vec<usize> = views.iter().map(BTreeSet::len).collect();
    sizes.sort_unstable();
    sizes
}

#[test]
fn each_shape_is_described_by_who_is_where() {
    let shown: Vec<String> =
        Topology::DRAWN.iter().map(|shape| draw(shape, 5, 1).unwrap().what).collect();
    let expected = [
        "one: n? | n? n? n? n?",
        "majority: n? n? | n? n? n?",
        "halves: n? n? | n? n? n?",
        "minority-third: n? | n? n? n? n?",
        "majorities-ring: n? hears n? n? | n? hears n? n? | n? hears n? n? | n? hears n? n? | \
         n? hears n? n?",
        "bridge: n? n? –n?– n? n?",
        "primaries: n? | n? n? n? n?",
    ];
    for (shown, expected) in shown.iter().zip(expected) {
        let digits_hidden: String =
            shown.chars().map(|c| if c.is_ascii_digit() { '?' } else { c }).collect();
        assert_eq!(digits_hidden, expected, "{shown}");
    }
    assert!(shown[7].contains(" ↛ "), "{}", shown[7]);
}

#[test]
fn explicit_shapes_are_described_as_they_were_given() {
    let n = NodeId;
    let groups = Topology::Groups(vec![vec![n(3), n(1)], vec![n(2), n(4), n(5)]]);
    assert_eq!(draw(&groups, 5, 0).unwrap().what, "groups: n1 n3 | n2 n4 n5");
    let links = Topology::Links(vec![Link::new(n(2), n(1)), Link::new(n(1), n(3))]);
    assert_eq!(draw(&links, 3, 0).unwrap().what, "links: n1 ↛ n3, n2 ↛ n1");
}

#[test]
fn the_parts_have_the_sizes_that_the_names_promise() {
    let sizes = |shape: &Topology, count| parts(count, &draw(shape, count, 3).unwrap().grudge);
    for (count, one, majority, halves) in [
        (3, [1, 2], [1, 2], [1, 2]),
        (4, [1, 3], [1, 3], [2, 2]),
        (5, [1, 4], [2, 3], [2, 3]),
        (7, [1, 6], [3, 4], [3, 4]),
    ] {
        assert_eq!(sizes(&Topology::One, count), one);
        assert_eq!(sizes(&Topology::Majority, count), majority);
        assert_eq!(sizes(&Topology::Halves, count), halves);
    }
    assert_eq!(sizes(&Topology::One, 2), [1, 1]);
    assert_eq!(sizes(&Topology::MinorityThird, 4), [1, 3]);
    assert_eq!(sizes(&Topology::MinorityThird, 7), [2, 5]);
    assert_eq!(sizes(&Topology::Primaries, 5), [1, 4]);
}

#[test]
fn a_cluster_too_small_for_a_shape_is_refused_with_a_word() {
    let refused = draw(&Topology::Majority, 2, 0).unwrap_err().to_string();
    assert_eq!(refused, "a partition of shape majority needs at least 3 nodes and there are 2");
    for shape in Topology::DRAWN {
        assert!(matches!(draw(&shape, 1, 0), Err(TopologyError::TooFewNodes { .. })), "{shape}");
    }
}

#[test]
fn explicit_shapes_that_make_no_sense_are_refused() {
    let n = NodeId;
    let refuse = |shape| draw(&shape, 3, 0).unwrap_err();
    let groups = |groups| refuse(Topology::Groups(groups));
    assert_eq!(groups(vec![vec![n(1), n(2)], vec![n(4)]]), TopologyError::NoSuchNode(n(4)));
    assert_eq!(groups(vec![vec![n(1), n(2)]]), TopologyError::Ungrouped(n(3)));
    let all = groups(vec![vec![n(1), n(2), n(3)]]);
    assert_eq!(all, TopologyError::CutsNothing { shape: "groups" });
    let own = refuse(Topology::Links(vec![Link::new(n(1), n(1))]));
    assert_eq!(own, TopologyError::SelfLink(n(1)));
}

#[test]
fn primaries_without_a_primary_are_refused_and_several_are_each_alone() {
    let nodes = NodeId::cluster(5);
    let mut rng = seed::rng(0, "test");
    let none = Topology::Primaries.draw(&nodes, &[], &mut rng);
    assert_eq!(none, Err(TopologyError::NoPrimary));
    let two = Topology::Primaries.draw(&nodes, &[NodeId(4), NodeId(2)], &mut rng).unwrap();
    assert_eq!(two.what, "primaries: n2 | n4 | n1 n3 n5");
    assert_eq!(parts(5, &two.grudge), [1, 1, 3]);
}

#[test]
fn shapes_are_written_as_words_and_explicit_ones_as_tables() {
    let json = |shape: &Topology| serde_json::to_string(shape).unwrap();
    for shape in Topology::DRAWN {
        assert_eq!(json(&shape), format!("\"{shape}\""));
        assert_eq!(shape.word().parse(), Ok(shape));
    }
    let groups = Topology::Groups(vec![vec![NodeId(1)], vec![NodeId(2), NodeId(3)]]);
    assert_eq!(json(&groups), r#"{"groups":[["n1"],["n2","n3"]]}"#);
}

proptest! {
    #[test]
    fn every_shape_is_defined_from_its_smallest_cluster_on(
        index in 0..Topology::DRAWN.len(), count in 1u16..=12, seed: u64,
    ) {
        let shape = &Topology::DRAWN[index];
        let drawn = draw(shape, count, seed);
        prop_assert_eq!(drawn.is_ok(), usize::from(count) >= shape.smallest_cluster());
        if let Ok(partition) = drawn {
            prop_assert!(!partition.grudge.is_empty());
            prop_assert_eq!(partition.grudge.is_symmetric(), !shape.is_one_way());
            prop_assert_eq!(draw(shape, count, seed), Ok(partition), "same seed, same partition");
        }
    }

    #[test]
    fn in_a_majorities_ring_every_node_hears_a_majority_and_no_two_the_same(
        count in 3u16..=15, seed: u64,
    ) {
        let grudge = draw(&Topology::MajoritiesRing, count, seed).unwrap().grudge;
        let views: BTreeSet<_> =
            NodeId::cluster(count).into_iter().map(|node| heard_by(node, count, &grudge)).collect();
        prop_assert_eq!(views.len(), usize::from(count));
        for view in views {
            prop_assert!(view.len() > usize::from(count) / 2, "{:?}", view);
        }
    }

    #[test]
    fn a_bridge_has_one_node_that_hears_all_and_two_halves_that_do_not(
        count in 3u16..=12, seed: u64,
    ) {
        let grudge = draw(&Topology::Bridge, count, seed).unwrap().grudge;
        let hear_all = NodeId::cluster(count)
            .into_iter()
            .filter(|&node| heard_by(node, count, &grudge).len() == usize::from(count));
        prop_assert_eq!(hear_all.count(), 1);
    }

    #[test]
    fn one_way_cuts_one_node_off_in_one_direction(count in 2u16..=12, seed: u64) {
        let grudge = draw(&Topology::OneWay, count, seed).unwrap().grudge;
        let senders: BTreeSet<_> = grudge.links().map(|link| link.from).collect();
        let receivers: BTreeSet<_> = grudge.links().map(|link| link.to).collect();
        prop_assert_eq!(grudge.len(), usize::from(count) - 1);
        prop_assert_eq!(senders.len().min(receivers.len()), 1);
        prop_assert!(grudge.links().all(|link| !grudge.cuts(link.reversed())));
    }
}
