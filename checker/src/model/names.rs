//! The models that have a name, and how one becomes the other.

use super::{
    Bank, Counter, FifoQueue, Log, Map, Model, ModelOptions, MultiRegister, MutableSet, OwnerMutex,
    Register, Semaphore, Stack, UnorderedQueue, VersionedRegister,
};

/// The models that can be named on a command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ModelName {
    /// One value: read, write.
    Register,
    /// One value: read, write, compare-and-set.
    #[default]
    CasRegister,
    /// One value and its version: read, write, compare-and-set.
    VersionedRegister,
    /// Several values, read and written in transactions.
    MultiRegister,
    /// Items, first in, first out.
    FifoQueue,
    /// Items, in any order.
    UnorderedQueue,
    /// Items, last in, first out.
    Stack,
    /// A lock that anybody may release.
    Mutex,
    /// A lock that its holder releases.
    OwnerMutex,
    /// A lock whose holders get tokens that grow.
    FencedMutex,
    /// Permits.
    Semaphore,
    /// Elements that come and go.
    MutableSet,
    /// A number that is added to and read.
    Counter,
    /// A number; adding to it returns what was there before.
    FetchAndAdd,
    /// A number; adding to it returns what is there after.
    AddAndFetch,
    /// A list that is appended to.
    Log,
    /// Keys with values.
    Map,
    /// Accounts and transfers between them.
    Bank,
}

/// Something to do with a model of whatever kind.
pub trait ModelVisitor {
    /// What comes of it.
    type Output;

    /// Does it.
    fn visit<M: Model>(self, model: M) -> Self::Output;
}

impl ModelName {
    /// Every model there is.
    pub const ALL: &[ModelName] = &[
        ModelName::Register,
        ModelName::CasRegister,
        ModelName::VersionedRegister,
        ModelName::MultiRegister,
        ModelName::FifoQueue,
        ModelName::UnorderedQueue,
        ModelName::Stack,
        ModelName::Mutex,
        ModelName::OwnerMutex,
        ModelName::FencedMutex,
        ModelName::Semaphore,
        ModelName::MutableSet,
        ModelName::Counter,
        ModelName::FetchAndAdd,
        ModelName::AddAndFetch,
        ModelName::Log,
        ModelName::Map,
        ModelName::Bank,
    ];

    /// The name used on the command line and in results, and one line for `checker list`.
    fn entry(self) -> (&'static str, &'static str) {
        match self {
            ModelName::Register => ("register", "one value: read, write"),
            ModelName::CasRegister => {
                ("cas-register", "one value: read, write, cas [expected new]")
            }
            ModelName::VersionedRegister => (
                "versioned-register",
                "one value, [version value]: read, write, cas [version [expected new]]",
            ),
            ModelName::MultiRegister => {
                ("multi-register", "several values: txn, a list of [:r key value], [:w key value]")
            }
            ModelName::FifoQueue => ("fifo-queue", "items: enqueue, dequeue; first in, first out"),
            ModelName::UnorderedQueue => {
                ("unordered-queue", "items: enqueue, dequeue; each comes out once, in any order")
            }
            ModelName::Stack => ("stack", "items: push, pop; last in, first out"),
            ModelName::Mutex => ("mutex", "a lock that anybody may release: acquire, release"),
            ModelName::OwnerMutex => ("owner-mutex", "a lock that only its holder may release"),
            ModelName::FencedMutex => {
                ("fenced-mutex", "the same; acquire returns a token larger than any before")
            }
            ModelName::MutableSet => ("mutable-set", "elements: add, remove, contains, read"),
            ModelName::Counter => ("counter", "a number: add, inc, dec, read"),
            ModelName::FetchAndAdd => {
                ("fetch-and-add", "a number: add and fetch-and-add return the value before; read")
            }
            ModelName::AddAndFetch => {
                ("add-and-fetch", "a number: add and add-and-fetch return the value after; read")
            }
            ModelName::Log => {
                ("log", "a list: append, which may return its offset; read, the whole")
            }
            ModelName::Map => ("map", "keys: get, put, append, cas [expected new], delete"),
            ModelName::Bank => (
                "bank",
                "--init {account balance}: transfer {:from a, :to b, :amount n}; read, all balances",
            ),
            ModelName::Semaphore => (
                "semaphore",
                "--init permits: acquire, release, of one or as many as the value says",
            ),
        }
    }

    /// Does something with a fresh model of this name.
    pub fn with<V: ModelVisitor>(self, options: &ModelOptions, visitor: V) -> V::Output {
        match self {
            ModelName::Register | ModelName::CasRegister => {
                visitor.visit(Register::new(self, options))
            }
            ModelName::VersionedRegister => visitor.visit(VersionedRegister::new(options)),
            ModelName::MultiRegister => visitor.visit(MultiRegister::new(options)),
            ModelName::FifoQueue => visitor.visit(FifoQueue::default()),
            ModelName::UnorderedQueue => visitor.visit(UnorderedQueue::default()),
            ModelName::Stack => visitor.visit(Stack::default()),
            ModelName::Mutex | ModelName::Semaphore => visitor.visit(Semaphore::new(self, options)),
            ModelName::OwnerMutex | ModelName::FencedMutex => visitor.visit(OwnerMutex::new(self)),
            ModelName::MutableSet => visitor.visit(MutableSet::default()),
            ModelName::Counter | ModelName::FetchAndAdd | ModelName::AddAndFetch => {
                visitor.visit(Counter::new(self, options))
            }
            ModelName::Log => visitor.visit(Log::default()),
            ModelName::Map => visitor.visit(Map::new(options)),
            ModelName::Bank => visitor.visit(Bank::new(options)),
        }
    }

    /// The name used on the command line and in results.
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// One line for `checker list`.
    pub fn about(self) -> &'static str {
        self.entry().1
    }

    /// Whether there is a choice of what it is at first ([`ModelOptions::init`]).
    pub fn has_initial_value(self) -> bool {
        match self {
            ModelName::Register
            | ModelName::CasRegister
            | ModelName::VersionedRegister
            | ModelName::MultiRegister
            | ModelName::Semaphore
            | ModelName::Counter
            | ModelName::FetchAndAdd
            | ModelName::AddAndFetch
            | ModelName::Map
            | ModelName::Bank => true,
            ModelName::FifoQueue
            | ModelName::UnorderedQueue
            | ModelName::Stack
            | ModelName::Mutex
            | ModelName::OwnerMutex
            | ModelName::FencedMutex
            | ModelName::MutableSet
            | ModelName::Log => false,
        }
    }

    /// What is wrong with what it is said to be at first, and how to put it right.
    pub fn initial_value_problem(self, options: &ModelOptions) -> Option<String> {
        match self {
            ModelName::Bank => Bank::new(options).problem().cloned(),
            ModelName::MultiRegister => MultiRegister::new(options).problem().cloned(),
            _ => None,
        }
    }

    /// The model with this name.
    pub fn find(name: &str) -> Option<ModelName> {
        ModelName::ALL.iter().copied().find(|model| model.name() == name)
    }
}
