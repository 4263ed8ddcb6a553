//! JSON Patch as Box applies it: the first line is the fields of an instance, the rest the patch.

use serde_json::{Map, Value};
use skillctl::domain::metadata::patch::apply;

/// No patch makes more of an instance than this, in bytes of JSON.
const LARGEST: usize = 64 * 1024 * 1024;

pub(crate) fn check(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (first, patch) = match end {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (
            &b"{\"cards\":[{\"entries\":[{\"text\":\"a\"}]}]}"[..],
            bytes,
        ),
    };
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(first) else {
        return;
    };
    fields.retain(|name, _| !name.starts_with('$'));
    let patched = match apply(&fields, patch) {
        Ok(patched) => patched,
        Err(refused) => return assert!(!refused.0.is_empty()),
    };
    let own = patched.keys().find(|name| name.starts_with('$'));
    assert_eq!(own, None, "a member of Box's own");
    let text = serde_json::to_string(&patched).expect("it can be written");
    assert!(text.len() < LARGEST, "{} bytes", text.len());
    let back: Map<String, Value> = serde_json::from_str(&text).expect("it can be read back");
    assert_eq!(back, patched);
    step_by_step(fields, patch, &patched);
}

/// A patch that is applied is the same as its operations, one after the other.
fn step_by_step(mut fields: Map<String, Value>, patch: &[u8], whole: &Map<String, Value>) {
    const MAX_STEPS: usize = 50;
    let Ok(operations) = serde_json::from_slice::<Vec<Value>>(patch) else {
        return;
    };
    if operations.len() > MAX_STEPS {
        return;
    }
    for operation in operations {
        let one = Value::from(vec![operation]).to_string();
        fields = apply(&fields, one.as_bytes()).expect("it was applied among the others");
    }
    assert_eq!(&fields, whole);
}
