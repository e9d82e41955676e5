//! What is inferred where nobody said it, and that nothing is where the verdict would depend on it.

use checker::checks::{Asked, CheckOptions, CheckerSpec, Readings, check_readings};
use checker::history::{Format, Independent, read};
use checker::model::{ModelName, ModelOptions};
use checker::verdict::Reason;
use checker::{Budget, History, Validity, Value, Verdict, readings};

fn history(text: &str) -> History {
    read(text.as_bytes(), Some(Format::Edn)).expect("a readable history")
}

fn judge_as(text: &str, asked: &Asked) -> Verdict {
    let history = history(text);
    let readings = readings(&history, asked);
    check_readings(&history, &readings, &CheckOptions::default(), &Budget::unlimited()).1
}

fn judge(text: &str) -> Verdict {
    judge_as(text, &Asked::default())
}

fn names(text: &str) -> Vec<String> {
    let Readings { all, .. } = readings(&history(text), &Asked::default());
    let keys = |independent| match independent {
        Independent::Yes => " by key",
        Independent::No | Independent::Auto => "",
    };
    all.iter().map(|one| format!("{}{}", one.spec.name(), keys(one.independent))).collect()
}

/// That it is read in one way and comes to this.
fn settled(text: &str, name: &str, validity: Validity) {
    assert_eq!(names(text), [name], "{text}");
    let verdict = judge(text);
    assert_eq!(verdict.validity, validity, "{}", verdict.summary);
    let (model, _) = name.split_once(" by key").unwrap_or((name, ""));
    let model = model.strip_prefix("linearizable ").unwrap_or(model);
    let inferred = format!("the model {model} was inferred (functions: ");
    assert!(verdict.assumptions.iter().any(|one| one.starts_with(&inferred)), "{verdict:?}");
}

/// That nothing is said, and that each of these flags is asked for.
fn refused(text: &str, flags: &[&str]) {
    let verdict = judge(text);
    assert_eq!(verdict.validity, Validity::Unknown, "{}", verdict.summary);
    let Some(Reason::Ambiguous(why)) = &verdict.reason else { panic!("{:?}", verdict.reason) };
    for flag in flags {
        assert!(why.contains(flag), "{flag} is not in: {why}");
    }
    assert!(verdict.anomalies.is_empty() && verdict.parts.is_empty() && verdict.proof.is_none());
}

const VERSIONED: &str = "[[0 :invoke :write [nil 1]] [0 :ok :write [1 1]]
    [1 :invoke :cas [nil [1 2]]] [1 :ok :cas [2 [1 2]]]
    [1 :invoke :read nil] [1 :ok :read [2 2]]]";

#[test]
fn versions_that_completions_tell_are_those_of_a_versioned_register() {
    settled(VERSIONED, "linearizable versioned-register", Validity::Valid);
    let stale = VERSIONED.replace("[1 :ok :read [2 2]]", "[1 :ok :read [1 1]]");
    settled(&stale, "linearizable versioned-register", Validity::Invalid);
    let asks_for_both = VERSIONED.replace(":read nil", ":read [nil nil]");
    settled(&asks_for_both, "linearizable versioned-register", Validity::Valid);
}

#[test]
fn keys_are_seen_around_versions() {
    // As Jepsen's test of etcd records it.
    let text = "[[0 :invoke :write [7 [nil 1]]] [0 :ok :write [7 [1 1]]]
                 [1 :invoke :read [7 [nil nil]]] [1 :ok :read [7 [1 1]]]
                 [2 :invoke :read [8 [nil nil]]] [2 :ok :read [8 [0 nil]]]]";
    settled(text, "linearizable versioned-register by key", Validity::Valid);
    let stale = text.replace("[1 :ok :read [7 [1 1]]]", "[1 :ok :read [7 [0 nil]]]");
    settled(&stale, "linearizable versioned-register by key", Validity::Invalid);
    // Keys come first: what is left without them are plain values.
    let plain = "[[0 :invoke :write [7 1]] [0 :ok :write [7 1]]
                  [1 :invoke :read [7 nil]] [1 :ok :read [7 1]]]";
    settled(plain, "linearizable cas-register by key", Validity::Valid);
}

#[test]
fn pairs_that_may_be_values_or_versions_are_not_guessed() {
    // Right as values; as versions, 5 was skipped to.
    let pairs =
        "[[0 :invoke :write [5 1]] [0 :ok :write [5 1]] [1 :invoke :read nil] [1 :ok :read [5 1]]]";
    assert_eq!(names(pairs).len(), 2, "{:?}", names(pairs));
    refused(pairs, &["--model cas-register", "--model versioned-register"]);
    // Wrong as values, since nobody wrote [1 1]; right as a version that only reads tell.
    let told_by_reads = "[[0 :invoke :write [nil 1]] [0 :ok :write [nil 1]] [1 :invoke :read nil] [1 :ok :read [1 1]]]";
    refused(told_by_reads, &["--model cas-register", "--model versioned-register"]);
    for model in [ModelName::CasRegister, ModelName::VersionedRegister] {
        let spec = Some(CheckerSpec::linearizable(model));
        let verdict = judge_as(pairs, &Asked { spec, ..Asked::default() });
        let valid = model == ModelName::CasRegister;
        assert_eq!(verdict.validity == Validity::Valid, valid, "{}", verdict.summary);
    }
}

#[test]
fn where_every_reading_agrees_there_is_a_verdict_which_says_so() {
    let fits_both =
        "[[0 :invoke :write [1 5]] [0 :ok :write [1 5]] [1 :invoke :read nil] [1 :ok :read [1 5]]]";
    let verdict = judge(fits_both);
    assert_eq!(verdict.validity, Validity::Valid, "{}", verdict.summary);
    let same = "as versioned-register the verdict is the same".to_owned();
    assert!(verdict.assumptions.contains(&same), "{:?}", verdict.assumptions);
    let fits_none = fits_both.replace(":ok :read [1 5]", ":ok :read [9 9]");
    assert_eq!(judge(&fits_none).validity, Validity::Invalid);
}

#[test]
fn plain_registers_are_registers_whatever_their_values() {
    let vectors = "[[0 :invoke :write [1 2]] [0 :ok :write [1 2]]
        [1 :invoke :cas [[1 2] [3 4]]] [1 :ok :cas [[1 2] [3 4]]]
        [1 :invoke :read nil] [1 :ok :read [3 4]]]";
    settled(vectors, "linearizable cas-register", Validity::Valid);
    let numbers = "[[0 :invoke :write 1] [0 :ok :write 1] [0 :invoke :cas [1 2]] [0 :ok :cas [1 2]]
                    [1 :invoke :read nil] [1 :ok :read 1]]";
    settled(numbers, "linearizable cas-register", Validity::Invalid);
}

#[test]
fn keys_that_nobody_asks_for_are_not_guessed() {
    // A key that changed from 5 to 6, or a register that held 1 and was never written.
    let text = "[[0 :invoke :write [1 5]] [0 :ok :write [1 5]]
                 [0 :invoke :cas [1 [5 6]]] [0 :ok :cas [1 [5 6]]]]";
    refused(text, &["--model cas-register --independent no", "--independent yes"]);
    let given = Some(CheckerSpec::linearizable(ModelName::CasRegister));
    let given = Asked { spec: given, ..Asked::default() };
    let verdict = judge_as(text, &given);
    let Some(Reason::Ambiguous(why)) = verdict.reason else { panic!("{}", verdict.summary) };
    assert!(why.ends_with("say --independent no, or --independent yes"), "{why}");
    let keyed = Asked { independent: Independent::Yes, ..given };
    assert_eq!(judge_as(text, &keyed).validity, Validity::Valid);
    let only_cas = "[[0 :invoke :cas [nil 2]] [0 :ok :cas [nil 2]]]";
    settled(only_cas, "linearizable cas-register", Validity::Valid);
}

#[test]
fn queues_of_many_keys_are_taken_apart() {
    let text = "[[0 :invoke :enqueue [:a 1]] [0 :ok :enqueue [:a 1]]
                 [0 :invoke :enqueue [:b 2]] [0 :ok :enqueue [:b 2]]
                 [1 :invoke :dequeue [:b nil]] [1 :ok :dequeue [:b 2]]
                 [1 :invoke :dequeue [:a nil]] [1 :ok :dequeue [:a 1]]]";
    let verdict = judge(text);
    assert_eq!(verdict.validity, Validity::Valid, "{}", verdict.summary);
    assert_eq!(verdict.parts.len(), 2);
}

#[test]
fn queues_in_order_are_told_from_those_in_any_order_by_the_verdict_only() {
    let put = "[0 :invoke :enqueue 1] [0 :ok :enqueue 1] [0 :invoke :enqueue 2] [0 :ok :enqueue 2]";
    let take = |item: i64| format!("[1 :invoke :dequeue nil] [1 :ok :dequeue {item}]");
    let of = |first, second| judge(&format!("[{put} {} {}]", take(first), take(second))).validity;
    assert_eq!(of(1, 2), Validity::Valid);
    assert_eq!(of(1, 1), Validity::Invalid);
    refused(
        &format!("[{put} {} {}]", take(2), take(1)),
        &["as fifo-queue it is invalid", "--model fifo-queue, or --model unordered-queue"],
    );
}

#[test]
fn what_is_added_and_read_is_told_by_what_is_read() {
    let set = "[[0 :invoke :add 1] [0 :ok :add 1] [0 :invoke :read nil] [0 :ok :read [1]]]";
    settled(set, "set", Validity::Valid);
    let counter = "[[0 :invoke :add 2] [0 :ok :add 2] [0 :invoke :read nil] [0 :ok :read 2]]";
    settled(counter, "linearizable counter", Validity::Valid);
    let wrong = counter.replace(":ok :read 2", ":ok :read 1");
    settled(&wrong, "linearizable counter", Validity::Invalid);
    let returns = "[[0 :invoke :add 2] [0 :ok :add 0] [0 :invoke :read nil] [0 :ok :read 2]]";
    refused(returns, &["--model fetch-and-add", "--model add-and-fetch"]);
    let log = "[[0 :invoke :append 2] [0 :ok :append 2] [0 :invoke :read nil] [0 :ok :read [2]]]";
    settled(log, "linearizable log", Validity::Valid);
}

#[test]
fn reads_alone_tell_no_model_apart() {
    let counter = "[[0 :invoke :read nil] [0 :ok :read 0]]";
    refused(counter, &["--model cas-register", "--model counter"]);
    let nothing = "[[0 :invoke :read nil] [0 :ok :read []]]";
    refused(nothing, &["--model cas-register", "--model log"]);
    let phantom = "[[0 :invoke :read nil] [0 :ok :read 7]]";
    assert_eq!(judge(phantom).validity, Validity::Invalid);
}

#[test]
fn locks_are_told_by_their_tokens_and_permits() {
    let held = "[[0 :invoke :acquire nil] [0 :ok :acquire nil]
                 [0 :invoke :release nil] [0 :ok :release nil]]";
    assert_eq!(judge(held).validity, Validity::Valid);
    assert!(judge(held).checker.ends_with(" mutex"));
    let twice = "[[0 :invoke :acquire nil] [0 :ok :acquire nil]
                  [1 :invoke :acquire nil] [1 :ok :acquire nil]]";
    refused(twice, &["--model mutex, or", "--model semaphore --init PERMITS"]);
    let by_another = "[[0 :invoke :acquire nil] [0 :ok :acquire nil]
                       [1 :invoke :release nil] [1 :ok :release nil]]";
    refused(by_another, &["as owner-mutex it is invalid", "--model mutex, or"]);
    let token_again = "[[0 :invoke :acquire nil] [0 :ok :acquire 3]
        [0 :invoke :release nil] [0 :ok :release nil]
        [1 :invoke :acquire nil] [1 :ok :acquire 3]]";
    refused(token_again, &["as fenced-mutex it is invalid", "--model fenced-mutex"]);
    let never_held = "[[0 :invoke :release nil] [0 :ok :release nil]]";
    assert_eq!(judge(never_held).validity, Validity::Invalid);
    let two = "[[0 :invoke :acquire 2] [0 :ok :acquire 2]]";
    refused(two, &["--model semaphore --init PERMITS"]);
    let billions = "[[0 :invoke :acquire 3000000000] [0 :ok :acquire 3000000000]
                     [0 :invoke :release 3000000000] [0 :ok :release 3000000000]]";
    refused(billions, &["--model semaphore --init PERMITS"]);
    let options = ModelOptions { init: Some(Value::Int(2)), ..ModelOptions::default() };
    let verdict = judge_as(two, &Asked { options, ..Asked::default() });
    assert_eq!(verdict.validity, Validity::Valid, "{}", verdict.summary);
    assert!(verdict.checker.ends_with(" semaphore"));
}

#[test]
fn transactions_have_one_model() {
    let text = "[[0 :invoke :txn [[:w :x 1] [:w :y 1]]] [0 :ok :txn [[:w :x 1] [:w :y 1]]]]";
    settled(text, "linearizable multi-register", Validity::Valid);
}

#[test]
fn what_no_model_knows_is_said_by_the_register() {
    let verdict = judge("[[0 :invoke :jump 1] [0 :ok :jump 1]]");
    assert_eq!(verdict.reason, Some(Reason::UnknownFunction(":jump".to_owned())));
}
