//! The form of a report in JSON, as a JSON Schema generated from the types that are printed.
//!
//! Draft 2020-12. Fields may be added under one number of the schema, so none is forbidden here.

use schemars::generate::SchemaSettings;

use super::{Report, json};

/// The schema, indented.
pub fn text() -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Report>();
    schema.insert("title".to_owned(), "mxparity report, schema 1".into());
    json::pretty(&schema)
}
