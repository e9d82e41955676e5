//! The pages in a real browser: they open, the failing operation is in view, a click shows its
//! details, nothing complains, and hostile keys and values stay text.

#[path = "report/chromium.rs"]
mod chromium;
#[path = "report/sample.rs"]
mod sample;

use std::path::{Path, PathBuf};

use checker::{History, Value};
use ordeal::report::{Input, write_all};

const HOSTILE: &str = "</script><img src=x onerror=\"window.pwned=1\">{{data}}<!--'&\u{202E}";

fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-browser").join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("the test folder is ours");
    dir
}

fn report(name: &str, operations: usize, key: &dyn Fn(i64) -> Value) -> PathBuf {
    let sample = sample::invalid(operations, key);
    let input = Input {
        title: format!("sandbox {name}"),
        history: &sample.history,
        verdict: &sample.verdict,
        run: Some(sample::facts()),
    };
    let dir = folder(name);
    assert_eq!(write_all(&dir, &input), Vec::<String>::new());
    dir
}

/// A copy of a page with a script at its end that acts like a person and leaves what it saw in the
/// title, a word a check.
fn driven(page: &Path, script: &str) -> PathBuf {
    let text = std::fs::read_to_string(page).expect("the page was written");
    let (head, tail) = text.rsplit_once("</body>").expect("a page has a body");
    let path = page.with_extension("driven.html");
    let driver = format!(
        "<script>requestAnimationFrame(() => setTimeout(() => {{ {script} }}, 100));</script>"
    );
    std::fs::write(&path, format!("{head}{driver}</body>{tail}")).expect("the test folder is ours");
    path
}

/// The checks of a driven page that failed; a page whose driver died has no list at all.
fn failures(page: &chromium::Page) -> Vec<String> {
    let title = page.dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    let list = title.and_then(|title| title.strip_prefix("checked: "));
    let list = list.unwrap_or_else(|| panic!("the driver did not finish: {:?}", page.console));
    list.split(", ").filter(|check| !check.ends_with(" yes")).map(str::to_owned).collect()
}

const PERSON: &str = r##"
  const seen = [], check = (name, holds) => seen.push(name + (holds ? " yes" : " NO"));
  const canvas = document.getElementById("canvas"), details = document.getElementById("selected");
  const colour = at => {
    const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
    return [...canvas.getContext("2d").getImageData((at.x - box.left) * scale, (at.y - box.top) * scale + 9, 1, 1).data].slice(0, 3).join();
  };
  const pointer = (name, at) => canvas.dispatchEvent(new PointerEvent(name, { clientX: at.x, clientY: at.y, bubbles: true }));
  const click = at => { pointer("pointerdown", at); pointer("pointerup", at); };
  const key = name => document.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
  const wrong = ordeal.failing(), at = ordeal.locate(wrong);
  check("failing operation in view", at.visible && at.x > 0 && at.x < innerWidth && at.y > 0 && at.y < innerHeight);
  check("failing operation painted", colour(at) === "129,191,252");
  check("failing operation explained", document.getElementById("why").textContent.includes("the register holds"));
  check("sentence on top", document.getElementById("sentence").textContent.startsWith("stale read"));
  check("key chosen", ordeal.state.key === wrong.key);
  key("Escape");
  check("details empty", !details.textContent.includes("index"));
  click(ordeal.locate(wrong));
  check("a click shows the whole operation", ordeal.state.selected === wrong && details.textContent.includes("index " + wrong.index) && details.textContent.includes("could not be placed"));
  check("and its node", details.textContent.includes(wrong.node));
  const span = () => ordeal.state.to - ordeal.state.from, before = span();
  canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: -100, clientX: at.x, clientY: at.y, cancelable: true }));
  check("the wheel zooms", span() < before);
  check("around the pointer", Math.abs(ordeal.locate(wrong).x - at.x) < 400 && ordeal.locate(wrong).visible);
  const from = ordeal.state.from;
  pointer("pointerdown", at); pointer("pointermove", { x: at.x - 60, y: at.y }); pointer("pointerup", { x: at.x - 60, y: at.y });
  check("dragging pans", ordeal.state.from > from);
  check("a drag selects nothing else", ordeal.state.selected === wrong);
  key("0");
  check("0 shows the whole run", ordeal.state.from <= 0 && span() > before);
  key("g");
  check("g goes back", ordeal.locate(wrong).visible && span() <= before * 1.01);
  key("[");
  check("[ steps back", ordeal.state.selected !== wrong);
  const keys = document.getElementById("key");
  keys.value = "-1"; keys.dispatchEvent(new Event("change"));
  check("all keys", ordeal.state.key === -1);
  ordeal.draw();
  check("no markup from values", document.images.length === 0 && !window.pwned);
  document.title = "checked: " + seen.join(", ");
"##;

#[test]
fn the_timeline_opens_on_the_failing_operation_and_answers_to_hand_and_keyboard() {
    let Some(browser) = chromium::find("the timeline in a browser") else { return };
    let dir = report("ten-thousand", 10_000, &Value::Int);
    let page = chromium::open(&browser, &driven(&dir.join("timeline.html"), PERSON));
    assert_eq!(page.console, Vec::<String>::new());
    assert_eq!(failures(&page), Vec::<String>::new());
}

#[test]
fn hostile_keys_and_values_stay_text_everywhere() {
    let Some(browser) = chromium::find("hostile values in a browser") else { return };
    let dir = report("hostile", 1_000, &|key| Value::string(format!("{HOSTILE}{key}/../..")));
    let page = chromium::open(&browser, &driven(&dir.join("timeline.html"), PERSON));
    assert_eq!(page.console, Vec::<String>::new());
    assert_eq!(failures(&page), Vec::<String>::new());
    let page = chromium::open(&browser, &dir.join("report.html"));
    assert_eq!(page.console, Vec::<String>::new());
    assert!(!page.dom.contains("<img"), "a value became an element");
    assert!(page.dom.contains("&lt;img src=x"), "the value is shown");
    for entry in std::fs::read_dir(dir.join("independent")).expect("folders of keys") {
        let name = entry.expect("a folder").file_name().into_string().expect("plain names");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{name}");
    }
}

#[test]
fn pictures_are_well_formed_xml_whatever_the_values_hold() {
    let Some(browser) = chromium::find("pictures in a browser") else { return };
    let dir = report("pictures", 1_000, &|key| Value::string(format!("{HOSTILE}\u{1}{key}")));
    for name in ["violation.svg", "latency-raw.svg", "latency-quantiles.svg", "rate.svg"] {
        let page = chromium::open(&browser, &dir.join(name));
        assert!(page.dom.contains("<svg") && !page.dom.contains("parsererror"), "{name}");
        assert_eq!(page.console, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn an_empty_history_has_a_timeline_that_opens() {
    let Some(browser) = chromium::find("the empty timeline in a browser") else { return };
    let history = History::from_ops(Vec::new()).expect("nothing is well-formed");
    let verdict = sample::empty();
    let input = Input { title: "nothing".into(), history: &history, verdict: &verdict, run: None };
    let dir = folder("empty");
    assert_eq!(write_all(&dir, &input), Vec::<String>::new());
    let script = "document.title = 'checked: open yes';";
    let page = chromium::open(&browser, &driven(&dir.join("timeline.html"), script));
    assert_eq!(page.console, Vec::<String>::new());
    assert_eq!(failures(&page), Vec::<String>::new());
}
