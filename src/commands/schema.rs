//! `skillctl schema`: prints a JSON Schema. Those of files are in `domain::schema`, that of
//! `skillctl.toml` follows from the command line.

use crate::{
    cli::{
        layers::config_schema,
        schema::{SchemaArgs, SchemaOf},
    },
    domain::schema,
    render::json::pretty,
    terminal::Terminal,
};

/// Prints the schema.
pub(super) fn run(arguments: &SchemaArgs, terminal: &Terminal) {
    let schema = match arguments.of {
        SchemaOf::Event => schema::event(),
        SchemaOf::Expected => schema::expected(),
        SchemaOf::Config => config_schema(),
        SchemaOf::Card => schema::card(arguments.rules),
    };
    terminal.out_raw(pretty(&schema).as_bytes());
}
