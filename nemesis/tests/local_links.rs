//! What the relays of `local` do to bytes, seen from both ends of a connection: held bytes keep
//! their order and flow after the heal, the other direction is not touched, and a cut is exact.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nemesis::env::local::Local;
use nemesis::env::{Ability, Disturbance, EnvError, EnvOptions, Environment, PeerAddresses, RunId};
use nemesis::link::{Grudge, Link, LinkState, NodeId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const THERE: Link = Link { from: N1, to: N2 };
const BACK: Link = Link { from: N2, to: N1 };

/// Longer than anything takes that happens at all.
const LIMIT: Duration = Duration::from_secs(10);
/// What does not happen within this long is taken not to happen.
const QUIET: Duration = Duration::from_millis(100);

async fn open(nodes: u16, peers: PeerAddresses) -> Local {
    let options = EnvOptions { nodes, run: RunId::fresh(), peers };
    Local::open(&options).await.expect("local needs nothing")
}

/// Two nodes, played by the test, and a connection that the first has dialed to the second.
struct Pair {
    env: Local,
    listener: TcpListener,
    one: TcpStream,
    two: TcpStream,
}

impl Pair {
    async fn connected() -> Pair {
        let env = open(2, PeerAddresses::PerPair).await;
        let listener = TcpListener::bind(env.listen(N2).peer).await.expect("a reserved port");
        let one = TcpStream::connect(env.peer_endpoint(N1, N2)).await.expect("a relay");
        let (two, _) = timeout(LIMIT, listener.accept()).await.expect("in time").expect("accepted");
        Pair { env, listener, one, two }
    }

    async fn cut(&self, links: &[Link]) {
        self.env.apply(&links.iter().copied().collect()).await.expect("a cut");
    }

    async fn disturb(&self, link: Link, how: Disturbance) -> u64 {
        self.env.disturb(&BTreeSet::from([link]), how).await.expect("a disturbance")
    }

    async fn heal(&self) {
        self.env.heal_network().await.expect("a heal");
    }
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("the relay takes it");
}

async fn assert_receives(stream: &mut TcpStream, text: &str) {
    let mut buffer = vec![0; text.len()];
    timeout(LIMIT, stream.read_exact(&mut buffer)).await.expect("in time").expect("bytes");
    assert_eq!(String::from_utf8_lossy(&buffer), text);
}

async fn assert_receives_nothing(stream: &mut TcpStream) {
    let received = timeout(QUIET, stream.read(&mut [0; 16])).await;
    assert!(received.is_err(), "{received:?}");
}

#[tokio::test]
async fn a_half_cut_holds_one_direction_whoever_dialed_and_its_bytes_flow_after_the_heal() {
    let mut pair = Pair::connected().await;
    for (cut, open_way) in [(THERE, BACK), (BACK, THERE)] {
        pair.cut(&[cut]).await;
        let Pair { one, two, .. } = &mut pair;
        let (silenced, heard) = if cut == THERE { (one, two) } else { (two, one) };
        send(silenced, "first ").await;
        send(silenced, "second").await;
        assert_receives_nothing(heard).await;
        send(heard, "the other way").await;
        assert_receives(silenced, "the other way").await;
        let matrix = pair.env.probe().await.expect("links can be measured");
        assert_eq!(matrix.state(cut), Some(LinkState::Closed));
        assert!(matrix.state(open_way).expect("measured").is_open());

        pair.heal().await;
        let heard = if cut == THERE { &mut pair.two } else { &mut pair.one };
        assert_receives(heard, "first second").await;
    }
}

#[tokio::test]
async fn during_a_cut_no_connection_is_opened_and_after_the_heal_it_is() {
    let mut pair = Pair::connected().await;
    for cut in [THERE, BACK] {
        pair.cut(&[cut]).await;
        let mut waiting =
            TcpStream::connect(pair.env.peer_endpoint(N1, N2)).await.expect("a relay");
        send(&mut waiting, "hello").await;
        assert!(timeout(QUIET, pair.listener.accept()).await.is_err(), "nothing gets through");
        pair.heal().await;
        let accepted = timeout(LIMIT, pair.listener.accept()).await.expect("in time");
        assert_receives(&mut accepted.expect("accepted").0, "hello").await;
    }
    send(&mut pair.one, "unharmed").await;
    assert_receives(&mut pair.two, "unharmed").await;
}

#[tokio::test]
async fn a_connection_whose_dialer_gave_up_during_a_cut_is_forgotten() {
    let pair = Pair::connected().await;
    pair.cut(&[THERE, BACK]).await;
    let mut waiting = TcpStream::connect(pair.env.peer_endpoint(N1, N2)).await.expect("a relay");
    send(&mut waiting, "hello").await;
    drop(waiting);
    // The relay looks after its dialers every 50 ms.
    assert!(timeout(2 * QUIET, pair.listener.accept()).await.is_err());
    pair.heal().await;
    assert!(timeout(QUIET, pair.listener.accept()).await.is_err(), "it is not opened any more");
}

#[tokio::test]
async fn the_end_of_a_stream_passes_the_gate_like_its_bytes() {
    let mut pair = Pair::connected().await;
    pair.cut(&[THERE, BACK]).await;
    send(&mut pair.one, "last words").await;
    drop(pair.one);
    assert_receives_nothing(&mut pair.two).await;
    pair.env.heal_network().await.expect("a heal");
    assert_receives(&mut pair.two, "last words").await;
    let end = timeout(LIMIT, pair.two.read(&mut [0; 16])).await.expect("in time");
    assert_eq!(end.expect("an orderly end"), 0);
}

#[tokio::test]
async fn a_stall_holds_bytes_but_lets_connections_open() {
    let mut pair = Pair::connected().await;
    assert_eq!(pair.disturb(THERE, Disturbance::Stall).await, 1, "one connection is affected");
    send(&mut pair.one, "held").await;
    assert_receives_nothing(&mut pair.two).await;
    let mut fresh = TcpStream::connect(pair.env.peer_endpoint(N1, N2)).await.expect("a relay");
    send(&mut fresh, "held too").await;
    let accepted = timeout(LIMIT, pair.listener.accept()).await.expect("in time");
    let mut accepted = accepted.expect("accepted").0;
    assert_receives_nothing(&mut accepted).await;
    pair.heal().await;
    assert_receives(&mut pair.two, "held").await;
    assert_receives(&mut accepted, "held too").await;
}

#[tokio::test]
async fn a_delay_shifts_every_byte_by_the_same_time() {
    let mut pair = Pair::connected().await;
    let delay = Duration::from_millis(60);
    pair.disturb(THERE, Disturbance::Delay { delay_ms: 60 }).await;
    let matrix = pair.env.probe().await.expect("links can be measured");
    match matrix.state(THERE) {
        Some(LinkState::Open { latency }) => assert!(latency >= delay, "{latency:?}"),
        other => panic!("{other:?}"),
    }
    assert!(matrix.state(BACK).expect("measured").is_open());
    // The second message is sent while the first is under way, and must not wait for it twice.
    let began = Instant::now();
    send(&mut pair.one, "a").await;
    tokio::time::sleep(delay / 2).await;
    send(&mut pair.one, "b").await;
    assert_receives(&mut pair.two, "a").await;
    assert!(began.elapsed() >= delay);
    assert_receives(&mut pair.two, "b").await;
    assert!(began.elapsed() >= delay / 2 + delay);
    pair.heal().await;
    send(&mut pair.one, "c").await;
    assert_receives(&mut pair.two, "c").await;
}

#[tokio::test]
async fn a_reset_ends_connections_dialed_either_way_once() {
    let mut pair = Pair::connected().await;
    assert_eq!(pair.disturb(BACK, Disturbance::Reset).await, 1);
    for stream in [&mut pair.one, &mut pair.two] {
        let end = timeout(LIMIT, stream.read(&mut [0; 16])).await.expect("in time");
        assert_eq!(end.expect_err("a reset").kind(), std::io::ErrorKind::ConnectionReset);
    }
    let mut fresh = TcpStream::connect(pair.env.peer_endpoint(N1, N2)).await.expect("a relay");
    send(&mut fresh, "hello again").await;
    let accepted = timeout(LIMIT, pair.listener.accept()).await.expect("in time");
    assert_receives(&mut accepted.expect("accepted").0, "hello again").await;
    let matrix = pair.env.probe().await.expect("links can be measured");
    assert!(matrix.links.values().all(|state| state.is_open()), "{matrix:?}");
}

#[tokio::test]
async fn a_dead_node_resets_who_dials_it() {
    let mut pair = Pair::connected().await;
    drop((pair.listener, pair.two));
    let mut dialer = TcpStream::connect(pair.env.peer_endpoint(N1, N2)).await.expect("a relay");
    let end = timeout(LIMIT, dialer.read(&mut [0; 16])).await.expect("in time");
    assert_eq!(end.expect_err("a reset").kind(), std::io::ErrorKind::ConnectionReset);
    let end = timeout(LIMIT, pair.one.read(&mut [0; 16])).await.expect("in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn bytes_pass_unchanged_while_the_link_is_cut_and_healed_under_them() {
    let mut pair = Pair::connected().await;
    let sent: Vec<u8> =
        (0..8_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let expected = sent.clone();
    let mut one = pair.one;
    let sender = tokio::spawn(async move { one.write_all(&sent).await });
    let mut received = vec![0; 0];
    let mut chunk = vec![0; 100_000];
    while received.len() < expected.len() {
        pair.env.apply(&Grudge::from_iter([THERE])).await.expect("a cut");
        pair.env.apply(&Grudge::none()).await.expect("a heal");
        let count =
            timeout(LIMIT, pair.two.read(&mut chunk)).await.expect("in time").expect("bytes");
        assert!(count > 0, "the stream must not end");
        received.extend_from_slice(&chunk[..count]);
    }
    assert!(received == expected, "bytes were lost, doubled or reordered");
    sender.await.expect("no panic").expect("all was taken");
}

#[tokio::test]
async fn members_that_advertise_one_address_have_links_that_cannot_be_cut_here() {
    let env = open(3, PeerAddresses::Advertised).await;
    assert_eq!(env.peer_endpoint(N1, N2), env.listen(N2).peer, "the real address");
    let capabilities = env.capabilities();
    assert!(!capabilities.supports(Ability::Partition) && capabilities.supports(Ability::Kill));
    let refused = env.apply(&Grudge::from_iter([THERE])).await;
    assert!(matches!(refused, Err(EnvError::Unsupported { .. })), "{refused:?}");
    env.heal_network().await.expect("there is nothing to heal");
    assert!(env.probe().await.expect("nothing to measure").links.is_empty());
}

#[tokio::test]
async fn several_runs_on_one_machine_have_ports_of_their_own() {
    let (a, b) = (open(7, PeerAddresses::PerPair).await, open(7, PeerAddresses::PerPair).await);
    let mut ports = BTreeSet::new();
    for env in [&a, &b] {
        for &node in env.nodes() {
            let listen = env.listen(node);
            assert!(ports.insert(listen.client) && ports.insert(listen.peer));
            TcpListener::bind(listen.client).await.expect("a node may bind its reserved port");
        }
        for link in Link::all(env.nodes()) {
            assert!(ports.insert(env.peer_endpoint(link.from, link.to)));
        }
    }
}
