//! The models that have a name, and how one becomes the other.

use super::{
    FifoQueue, Model, ModelOptions, OwnerMutex, Register, Semaphore, Stack, UnorderedQueue,
};

/// The models that can be named on a command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ModelName {
    /// One value: read, write.
    Register,
    /// One value: read, write, compare-and-set.
    #[default]
    CasRegister,
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
        ModelName::FifoQueue,
        ModelName::UnorderedQueue,
        ModelName::Stack,
        ModelName::Mutex,
        ModelName::OwnerMutex,
        ModelName::FencedMutex,
        ModelName::Semaphore,
    ];

    /// The name used on the command line and in results, and one line for `checker list`.
    fn entry(self) -> (&'static str, &'static str) {
        match self {
            ModelName::Register => ("register", "one value: read, write"),
            ModelName::CasRegister => {
                ("cas-register", "one value: read, write, cas [expected new]")
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
            ModelName::FifoQueue => visitor.visit(FifoQueue::default()),
            ModelName::UnorderedQueue => visitor.visit(UnorderedQueue::default()),
            ModelName::Stack => visitor.visit(Stack::default()),
            ModelName::Mutex | ModelName::Semaphore => visitor.visit(Semaphore::new(self, options)),
            ModelName::OwnerMutex | ModelName::FencedMutex => visitor.visit(OwnerMutex::new(self)),
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
            ModelName::Register | ModelName::CasRegister | ModelName::Semaphore => true,
            ModelName::FifoQueue
            | ModelName::UnorderedQueue
            | ModelName::Stack
            | ModelName::Mutex
            | ModelName::OwnerMutex
            | ModelName::FencedMutex => false,
        }
    }

    /// The model with this name.
    pub fn find(name: &str) -> Option<ModelName> {
        ModelName::ALL.iter().copied().find(|model| model.name() == name)
    }
}
