//! Cuts as rules of the packet filter, in one table a run.
//!
//! The rules live on the bridge between the containers, not inside them: a container that starts
//! gets a new network namespace, and rules inside would be gone before its first process runs. The
//! filter's *bridge* family sees every frame that a bridge forwards, whatever
//! `bridge-nf-call-iptables` says, and its tables belong to nobody: ours carries the run's name, is
//! replaced as a whole in one transaction, and is removed by name. No rule of the engine's or of the
//! user's is read or touched.
//!
//! A link is cut by address (IPv4, IPv6) and by hardware address, which also closes the way around
//! through link-local IPv6. Who asks for a hardware address, and who answers, is never cut: without
//! the answer the asker could send nothing either, and within half a minute, or at once after a
//! restart, a cut of one direction would be one of both.
//!
//! While a node starts that may be given any address, *strangers* are shut out: whoever has a hardware
//! address that nobody had before the start does not reach the nodes, by whatever protocol, until the
//! rules have followed. What comes from the machine itself is not forwarded by the bridge, and not
//! concerned.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::env::RunId;
use crate::link::{Grudge, Link, NodeId};

/// What every table of ours begins with.
pub(crate) const TABLE_PREFIX: &str = "ordeal_";

/// The table of a run.
pub(crate) fn table(run: &RunId) -> String {
    format!("{TABLE_PREFIX}{run}")
}

/// A node's addresses, in every network it is in. Of a dead node, the last ones known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) ipv4: Vec<Ipv4Addr>,
    pub(crate) ipv6: Vec<Ipv6Addr>,
    pub(crate) hardware: Vec<String>,
}

/// Who may talk while a node starts: everybody who had a hardware address before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strangers {
    /// The addresses in use.
    pub(crate) known: Vec<String>,
    /// The nodes that no stranger reaches.
    pub(crate) guarded: Vec<String>,
}

/// How neighbours find each other in IPv6; in IPv4 it is ARP, which no rule of ours matches.
const NEIGHBOURS: &str = "  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n";

/// The script that makes the rules of a table exactly these.
pub(crate) fn script(
    table: &str,
    grudge: &Grudge,
    places: &BTreeMap<NodeId, Place>,
    strangers: Option<&Strangers>,
) -> String {
    let mut script = removal(table);
    let rules: String = grudge.links().map(|link| cut(link, places)).collect();
    let guard = strangers.map(shut_out).unwrap_or_default();
    if !rules.is_empty() || !guard.is_empty() {
        let _ = write!(
            script,
            "table bridge {table} {{\n chain forward {{\n  \
             type filter hook forward priority -300; policy accept;\n{NEIGHBOURS}{rules}{guard} }}\n}}\n"
        );
    }
    script
}

/// The script that removes a table, whether or not it is there: a table can be declared again, but
/// only removed where it is.
pub(crate) fn removal(table: &str) -> String {
    format!("table bridge {table} {{\n}}\ndelete table bridge {table}\n")
}

fn cut(link: Link, places: &BTreeMap<NodeId, Place>) -> String {
    let (Some(from), Some(to)) = (places.get(&link.from), places.get(&link.to)) else {
        return String::new();
    };
    pairs("ip", &from.ipv4, &to.ipv4)
        .chain(pairs("ip6", &from.ipv6, &to.ipv6))
        .chain(
            pairs("ether", &from.hardware, &to.hardware)
                .map(|pair| format!("ether type != arp {pair}")),
        )
        .map(|pair| format!("  {pair} drop comment \"{}\"\n", mark(link)))
        .collect()
}

fn pairs<T: ToString>(family: &str, from: &[T], to: &[T]) -> impl Iterator<Item = String> {
    from.iter().flat_map(move |source| {
        to.iter().map(move |target| {
            let (source, target) = (source.to_string(), target.to_string());
            format!("{family} saddr {source} {family} daddr {target}")
        })
    })
}

fn shut_out(strangers: &Strangers) -> String {
    let (known, guarded) = (strangers.known.join(", "), strangers.guarded.join(", "));
    if known.is_empty() || guarded.is_empty() {
        return String::new();
    }
    format!(
        "  ether type != arp ether saddr != {{ {known} }} ether daddr {{ {guarded} }} drop\n  \
         ether type != arp ether saddr {{ {guarded} }} ether daddr != {{ {known} }} drop\n"
    )
}

/// What names a link in the comment of its rules, by which they are read back.
pub(crate) fn mark(link: Link) -> String {
    format!("{} to {}", link.from, link.to)
}

/// Whether the listing of a table has a rule for this link.
pub(crate) fn lists(listing: &str, link: Link) -> bool {
    listing.contains(&format!("drop comment \"{}\"", mark(link)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> BTreeMap<NodeId, Place> {
        let place = |last: u8| Place {
            ipv4: vec![Ipv4Addr::new(172, 20, 0, last)],
            ipv6: Vec::new(),
            hardware: vec![format!("02:42:ac:14:00:0{last}")],
        };
        BTreeMap::from([(NodeId(1), place(2)), (NodeId(2), place(3))])
    }

    #[test]
    fn a_cut_is_one_direction_of_every_kind_of_address() {
        let link = Link::new(NodeId(1), NodeId(2));
        let text = script("ordeal_x", &Grudge::from_iter([link]), &places(), None);
        assert_eq!(
            text,
            "table bridge ordeal_x {\n}\ndelete table bridge ordeal_x\n\
             table bridge ordeal_x {\n chain forward {\n  \
             type filter hook forward priority -300; policy accept;\n  \
             icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n  \
             ip saddr 172.20.0.2 ip daddr 172.20.0.3 drop comment \"n1 to n2\"\n  \
             ether type != arp ether saddr 02:42:ac:14:00:02 ether daddr 02:42:ac:14:00:03 drop comment \"n1 to n2\"\n \
             }\n}\n"
        );
        assert!(lists(&text, link) && !lists(&text, link.reversed()));
    }

    #[test]
    fn no_cut_is_no_table() {
        assert_eq!(script("ordeal_x", &Grudge::none(), &places(), None), removal("ordeal_x"));
    }

    #[test]
    fn a_stranger_reaches_no_node_and_no_node_a_stranger() {
        let text = |addresses: &[&str]| addresses.iter().map(ToString::to_string).collect();
        let strangers = Strangers {
            known: text(&["02:42:0a:00:00:01", "02:42:0a:00:00:02"]),
            guarded: text(&["02:42:0a:00:00:02"]),
        };
        let text = script("ordeal_x", &Grudge::none(), &places(), Some(&strangers));
        let from = "ether saddr != { 02:42:0a:00:00:01, 02:42:0a:00:00:02 } \
                    ether daddr { 02:42:0a:00:00:02 } drop";
        let to = "ether saddr { 02:42:0a:00:00:02 } \
                  ether daddr != { 02:42:0a:00:00:01, 02:42:0a:00:00:02 } drop";
        assert!(text.contains(from) && text.contains(to), "{text}");
    }
}
