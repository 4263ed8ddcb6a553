//! Skills that are functions rather than servers: a handler as `--handler` names it, and the command
//! line of a sandbox that runs it. The adapters are built-in scripts for the user's own node or
//! python.

use std::{fmt, fs, io, path::Path};

/// The adapters: each loads the function, and calls it with one event after the other.
const NODE_ADAPTER: (&str, &str) = ("lambda.cjs", include_str!("adapters/lambda.cjs"));
const PYTHON_ADAPTER: (&str, &str) = ("lambda.py", include_str!("adapters/lambda.py"));

/// What runs a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Node: a function exported by a CommonJS or an ES module.
    Node,
    /// Python 3: a function of a module.
    Python,
}

/// A handler: a runtime, the program of that runtime, and a function by the name that Lambda uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handler {
    /// What runs it.
    pub runtime: Runtime,
    /// The program: `node`, `python3`, `python3.12`, `/opt/node/bin/node`.
    pub program: String,
    /// `index.handler`, `src/app.lambda_handler`: a file without its extension, and a function.
    pub function: String,
}

impl fmt::Display for Handler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.program, self.function)
    }
}

impl Handler {
    /// Reads `RUNTIME:FILE.FUNCTION`, such as `node:index.handler`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (program, function) = text
            .split_once(':')
            .ok_or("it must have the form node:FILE.EXPORT or python:FILE.FUNCTION")?;
        let name = program.rsplit('/').next().unwrap_or(program);
        let runtime = if name.starts_with("node") {
            Runtime::Node
        } else if name.starts_with("python") {
            Runtime::Python
        } else {
            return Err(format!(
                "`{program}` is not a known runtime: use node or python"
            ));
        };
        let base = function.rsplit('/').next().unwrap_or(function);
        match base.split_once('.') {
            Some((file, name)) if !file.is_empty() && !name.is_empty() => {}
            _ => {
                return Err(format!(
                    "`{function}` names no function: it must have the form FILE.FUNCTION, as in index.handler"
                ));
            }
        }
        Ok(Self {
            runtime,
            // `python` is Python 2 on old systems, and missing on new ones.
            program: if program == "python" {
                "python3"
            } else {
                program
            }
            .to_owned(),
            function: function.to_owned(),
        })
    }

    /// Writes the adapter to `folder`, which must exist, and returns the command line of a sandbox. It
    /// has to be run in the skill's folder, with a socket as its standard input; the adapter gets the
    /// socket as file descriptor 3, and an empty standard input. It exits with 1 where the function
    /// cannot be loaded.
    ///
    /// # Errors
    /// Where the adapter cannot be written.
    pub fn prepare(&self, folder: &Path) -> io::Result<Vec<String>> {
        let (name, script) = match self.runtime {
            Runtime::Node => NODE_ADAPTER,
            Runtime::Python => PYTHON_ADAPTER,
        };
        let path = folder.join(name);
        fs::write(&path, script)?;
        let path = path
            .to_str()
            .ok_or_else(|| io::Error::other("the path of the folder for the adapter is not UTF-8"))?
            .to_owned();
        let mut command: Vec<String> = ["sh", "-c", "exec \"$@\" 3<&0 </dev/null", "sh"]
            .map(str::to_owned)
            .to_vec();
        command.push(self.program.clone());
        if self.runtime == Runtime::Python {
            // Unbuffered: the process is stopped and killed without notice.
            command.push("-u".to_owned());
        }
        command.extend([path, self.function.clone()]);
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_are_read_as_lambda_names_them() {
        let handler = Handler::parse("node:src/index.handler").expect("a handler");
        assert_eq!(handler.runtime, Runtime::Node);
        assert_eq!(handler.program, "node");
        assert_eq!(handler.function, "src/index.handler");
        for (text, program) in [
            ("python:app.lambda_handler", "python3"),
            ("python3.12:app.main", "python3.12"),
            ("/opt/py/bin/python3:app.main", "/opt/py/bin/python3"),
        ] {
            let handler = Handler::parse(text).expect(text);
            assert_eq!(handler.runtime, Runtime::Python);
            assert_eq!(handler.program, program);
        }
    }

    #[test]
    fn a_text_that_is_not_a_handler_is_refused_with_the_reason() {
        for (text, reason) in [
            ("index.handler", "node:FILE.EXPORT"),
            ("ruby:app.handler", "`ruby`"),
            ("node:index", "FILE.FUNCTION"),
            ("node:.handler", "FILE.FUNCTION"),
            ("node:../index", "FILE.FUNCTION"),
            ("python:app.", "FILE.FUNCTION"),
            ("", "node:FILE.EXPORT"),
        ] {
            let refused = Handler::parse(text).expect_err(text);
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }

    #[test]
    fn the_command_runs_the_adapter_with_the_function() {
        let folder = tempfile::tempdir().expect("a folder");
        let handler = Handler::parse("python:app.main").expect("a handler");
        let command = handler.prepare(folder.path()).expect("it can be written");
        assert_eq!(command[4..6], ["python3", "-u"]);
        assert!(command[6].ends_with("lambda.py"));
        assert_eq!(command[7], "app.main");
        assert!(Path::new(&command[6]).is_file());
    }
}
