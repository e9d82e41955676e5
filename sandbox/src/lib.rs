//! A real replicated key-value store to test against out of the box, with bugs one can switch on.
//!
//! A node is one operating-system process: [`run`] with a [`Config`]. Consensus is openraft's,
//! storage is redb, and both ports speak HTTP with JSON. The tester knows the store through its
//! ports alone, as it would know any other system.
//!
//! ```text
//!              client port                                   peer port
//!   GET /kv/{key}        POST /set/{name}/add        /raft/append /raft/vote /raft/snapshot
//!   PUT /kv/{key}        GET  /set/{name}            /forward
//!   POST /kv/{key}/cas   GET  /status                         │
//!        │                                                    │
//!        ▼                                                    ▼
//!      node ── not the leader: reads are redirected (307), writes forwarded ──► leader's node
//!        │
//!        ├─ writes ─► propose ─► log ─► a quorum ─► state machine ─► answer
//!        └─ reads ──► reads: a quorum confirms the leader ─► state machine ─► answer
//! ```
//!
//! # Answers
//!
//! | Request | Body | Answer |
//! |---|---|---|
//! | `GET /kv/{key}` | | `{"value": …}`, `null` for a key never written |
//! | `PUT /kv/{key}` | `{"value": …}` | `{"ok": true}` |
//! | `POST /kv/{key}/cas` | `{"expected": …, "new": …}` | `{"swapped": true or false, "value": what the key holds now}` |
//! | `POST /set/{name}/add` | `{"element": …}` | `{"ok": true}` |
//! | `GET /set/{name}` | | `{"value": [elements]}` |
//!
//! Anything else than 200 and 307 has the body `{"error": "…", "definite": true or false}`.
//! `definite: true` vouches that the operation never took effect and never will: it was refused
//! before anything was sent or proposed. A 504 (time ran out) and the 503s of an operation that
//! was already on its way say `false`.
//!
//! # What makes it correct
//!
//! * Nothing is acknowledged to anybody before it is synced to disk (`storage`), so `SIGKILL`
//!   loses nothing.
//! * A leader reads only after a quorum confirmed that it still leads (`reads`): it may have been
//!   stopped for a minute, and nothing inside it would have noticed.
//! * A forward whose answer was lost is sent again under the same operation id, and the state
//!   machine recognises it (`state`).
//! * "Not the leader" is a definite failure only when it is known before the proposal
//!   (`propose`).
//!
//! # What makes it wrong
//!
//! | [`Bug`] | Where it lives | What is wrong | Shown by |
//! |---|---|---|---|
//! | `stale-read` | `node::read` | any node answers reads from its own state | partition or pause of a node; often replication lag is enough |
//! | `ack-before-commit` | `early` | the leader answers before a quorum has the write | partition or kill of the leader |
//! | `amnesia` | `storage::log` | the log is written out lazily, once a second | kill of the leader or of a majority |
//! | `forget-vote` | `storage::log` | after a restart the vote is guessed from the log | partition of the leader; kill and restart of the other side; writes there; kill it again; heal; restart |
//! | `split-cas` | `node::split_cas` | compare and set are two steps | none: concurrent compare-and-set |
//! | `double-apply` | `state`, `node::deliver_at_least_once` | a forward sent again is applied again | kill or pause of a majority; kill of the leader |
//! | `lease-read` | `node::read` | a leader reads without asking whether it still leads | partition or pause of the leader |
//! | `fail-but-applied` | `node::submit` | a time-out is reported as a definite failure | pause or kill of a majority, the leader not among them |
//! | `lossy-snapshot` | `storage::machine` | a snapshot is cut from an older state than it claims | kill and restart of all nodes, or of one that then leads |
//!
//! # What it is not
//!
//! The set of nodes is fixed, a node that lost its disk must not come back, and the whole state
//! lives in memory: it is a thing to be tested, not one to keep data in.

mod api;
mod bug;
mod command;
mod config;
mod early;
mod failure;
mod forward;
mod network;
mod node;
mod propose;
mod reads;
mod server;
mod state;
mod status;
mod storage;
mod tickets;

pub use bug::{Bug, UnknownBug};
pub use config::{Config, Peer, Timings};
pub use server::run;
