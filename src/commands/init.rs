//! `skillctl init`: a new skill. The templates are in `crate::init`.

use crate::{
    cli::init::{InitArgs, Lang},
    env::{Environment, programs::find_program},
    exit::{Outcome, Problem},
    init::{InitError, Language, create},
    render::text::{Line, Role, Text},
    terminal::Terminal,
};

/// Writes the files, names them, and says what to do next.
pub(super) fn run(arguments: &InitArgs, environment: &Environment, terminal: &Terminal) -> Outcome {
    let language = match arguments.lang {
        Lang::Node => Language::Node,
        Lang::Python => Language::Python,
        Lang::NodeLambda => Language::NodeLambda,
        Lang::PythonLambda => Language::PythonLambda,
    };
    let folder = &arguments.folder;
    let files = create(folder, language).map_err(|error| {
        let problem = Problem::new(error.to_string());
        match error {
            InitError::Exists(_) => problem
                .help("init never overwrites a file; move it away, or name another folder")
                .usage(),
            InitError::Write { .. } => problem.outside(),
        }
    })?;
    let named = files.iter().map(|path| {
        Line::new()
            .with(Role::Good, "wrote ")
            .plain(path.display().to_string())
    });
    terminal.out(&named.collect::<Text>());
    let program = language.program();
    if find_program(program, environment).is_none() {
        terminal.warn(&format!(
            "{program} is not on the PATH; the skill needs it to run"
        ));
    }
    let next = if folder.as_os_str() == "." {
        "next: skillctl replay".to_owned()
    } else {
        format!("next: cd {} && skillctl replay", folder.display())
    };
    terminal.note_line(Line::from(next));
    Ok(())
}
