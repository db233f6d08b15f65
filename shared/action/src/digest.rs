//! The digest of an act: `sha256:` and the lower-case hexadecimal SHA-256 of the RFC 8785 canonical
//! form of `{"args": <args>, "name": <name>}`.

use serde_json::{Number, Value, json};
use sha2::{Digest, Sha256};

/// The largest integer up to which each integer is a double of its own: 2^53.
const MAX_SAFE: f64 = 9_007_199_254_740_992.0;

/// The RFC 8785 canonical form of a value without [`faults`](crate::exact::faults).
pub fn canonical(value: &Value) -> String {
    // What fails is a value that is no JSON, which a `Value` cannot be.
    serde_json_canonicalizer::to_string(&as_doubles(value)).unwrap_or_default()
}

/// The digest of an act.
pub fn digest(name: &str, args: &Value) -> String {
    let canonical = canonical(&json!({ "args": args, "name": name }));
    let hash = Sha256::digest(canonical.as_bytes());
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The value with large integers as the doubles that RFC 8785 takes them for: their canonical text
/// is the shortest one of the double.
fn as_doubles(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(as_double(number)),
        Value::Array(elements) => elements.iter().map(as_doubles).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), as_doubles(value))).collect(),
        other => other.clone(),
    }
}

fn as_double(number: &Number) -> Number {
    let double = number.as_f64().filter(|double| !number.is_f64() && double.abs() > MAX_SAFE);
    double.and_then(Number::from_f64).unwrap_or_else(|| number.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical_of(text: &str) -> String {
        serde_json::from_str(text).map(|value| canonical(&value)).unwrap_or_default()
    }

    /// RFC 8785, section 3.2.2 to 3.2.4 and appendix B.
    #[test]
    fn the_canonical_form_is_that_of_rfc_8785() {
        assert_eq!(
            canonical_of(
                r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#
            ),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        // Names sort by UTF-16 units: U+1F600 (D83D) before U+FB33.
        assert_eq!(
            canonical_of("{\"\u{20ac}\":1,\"\\r\":2,\"\u{fb33}\":3,\"1\":4,\"\u{1f600}\":5,\"\u{80}\":6,\"\u{f6}\":7}"),
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
        );
        for (text, number) in [
            ("-0", "0"),
            ("-0.0", "0"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("9007199254740992", "9007199254740992"),
            ("-9007199254740992", "-9007199254740992"),
            ("295147905179352830000", "295147905179352830000"),
            ("9.999999999999997e22", "9.999999999999997e+22"),
            ("1e23", "1e+23"),
            ("999999999999999700000", "999999999999999700000"),
            ("1e21", "1e+21"),
            ("9.999999999999997e-7", "9.999999999999997e-7"),
            ("0.000001", "0.000001"),
            ("333333333.3333332", "333333333.3333332"),
            ("1424953923781206.2", "1424953923781206.2"),
            ("1000000000000000128", "1000000000000000100"),
            ("18446744073709551616", "18446744073709552000"),
            ("1.0", "1"),
            ("100", "100"),
        ] {
            assert_eq!(canonical_of(text), number, "{text}");
        }
    }

    #[test]
    fn the_digest_ignores_order_and_blanks_and_nothing_else() {
        let of = |name: &str, args: &str| {
            serde_json::from_str(args).map(|args: Value| digest(name, &args)).unwrap_or_default()
        };
        let digest = of("pay", r#"{"amount": 82000, "to": "Ada"}"#);
        assert_eq!(digest, of("pay", "{\"to\":\"Ada\",\"amount\":8.2e4}"));
        assert_eq!(digest.len(), "sha256:".len() + 64);
        for (name, args) in [
            ("pay", r#"{"amount":820000,"to":"Ada"}"#),
            ("pay", r#"{"amount":"82000","to":"Ada"}"#),
            ("Pay", r#"{"amount":82000,"to":"Ada"}"#),
            ("pay", r#"{"amount":82000,"to":"Ada","x":null}"#),
            ("pay", "{\"amount\":82000,\"to\":\"Ada\u{200b}\"}"),
        ] {
            assert_ne!(digest, of(name, args), "{name} {args}");
        }
    }
}
