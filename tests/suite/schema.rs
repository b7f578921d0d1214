//! The JSON Schema of a report, held to the reports that there are.
//!
//! The judge is the validator of another project.

use mxparity::report;

use crate::support::{golden, play};

#[test]
fn every_report_is_as_its_schema_has_it() {
    let text = report::schema::text();
    golden::compare("schema/report.schema.json", &text);
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let scenarios = play::scenarios().into_iter();
    let files: Vec<String> =
        scenarios.map(|(name, _)| format!("scenarios/{name}/report.json")).collect();
    assert!(files.len() >= 15, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(golden::fixture(&file)).unwrap();
        let stored: serde_json::Value = serde_json::from_str(&text).unwrap();
        let faults: Vec<String> = validator
            .iter_errors(&stored)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{file}: {faults:#?}");
    }
}

#[test]
fn what_is_no_report_is_not_as_the_schema_has_it() {
    let schema: serde_json::Value = serde_json::from_str(&report::schema::text()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let text = std::fs::read_to_string(golden::fixture("scenarios/even/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (at, wrong) in [
        ("/schema", serde_json::json!("one")),
        ("/verdict/failover", serde_json::json!("perhaps")),
        ("/findings", serde_json::json!({})),
        ("/survey/mx/tiers", serde_json::json!(null)),
        ("/survey/mx/tiers/0/hosts/0/addresses/0/observations/0/greeting", serde_json::json!(true)),
    ] {
        let mut other = report.clone();
        *other.pointer_mut(at).unwrap_or_else(|| panic!("no {at}")) = wrong;
        assert!(!validator.is_valid(&other), "{at}");
    }
}
