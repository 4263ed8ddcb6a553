//! The JSON Schema of `skillctl.toml`. It follows from the commands and their options, as the reader of
//! the file does.

use clap::{Arg, ArgAction, Command, CommandFactory};
use serde_json::{Map, Value, json};

use super::{
    super::Cli,
    file::key_of,
    given::{SECRETS, is_of_clap},
};

/// The schema: a table for each command, a key for each option.
pub fn config_schema() -> Value {
    let mut root = Cli::command();
    root.build();
    let mut schema = table(&root);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("The configuration file of skillctl: skillctl.toml");
    schema
}

fn table(command: &Command) -> Value {
    let mut properties = Map::new();
    for argument in command.get_arguments() {
        if let Some(key) = key_of(argument).filter(|key| !SECRETS.contains(key)) {
            properties.insert(key.to_owned(), value(argument));
        }
    }
    for below in command
        .get_subcommands()
        .filter(|it| !is_of_clap(it.get_name()))
    {
        properties.insert(below.get_name().to_owned(), table(below));
    }
    json!({
        "type": "object",
        "description": command.get_about().map(ToString::to_string),
        "additionalProperties": false,
        "properties": properties,
    })
}

/// The values that an option accepts in the file.
fn value(argument: &Arg) -> Value {
    let possible: Vec<String> = argument
        .get_possible_values()
        .iter()
        .map(|value| value.get_name().to_owned())
        .collect();
    let scalar = if possible.is_empty() {
        json!({"type": ["string", "number", "boolean"]})
    } else {
        json!({"enum": possible})
    };
    let mut schema = match argument.get_action() {
        ArgAction::SetTrue => json!({"enum": [true, false, "true", "false"]}),
        ArgAction::Count => json!({"type": ["integer", "boolean", "string"]}),
        _ if key_of(argument) == Some("command") => json!({"type": "array", "items": scalar}),
        ArgAction::Append => json!({"anyOf": [scalar, {"type": "array", "items": scalar}]}),
        _ => {
            json!({"anyOf": [scalar, {"type": "array", "minItems": 1, "maxItems": 1, "items": scalar}]})
        }
    };
    if let Some(help) = argument.get_help() {
        schema["description"] = json!(help.to_string());
    }
    schema
}
