//! The scopes of a downscoped token, and the calls that each permits (`docs/box/calls.md`, "Tokens and
//! OAuth").

use http::Method;

use super::{operation::Operation, token::TokenKind};

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// A scope.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Scope { $($(#[$doc])* $name,)+ }

        impl Scope {
            /// All scopes that the mock knows.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Box's name for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

scopes! {
    /// Everything in files and folders.
    RootReadwrite = "root_readwrite",
    /// Reading everything.
    RootReadonly = "root_readonly",
    /// Browsing folders, with previews.
    BaseExplorer = "base_explorer",
    /// Browsing folders.
    BasePicker = "base_picker",
    /// Previewing a file.
    BasePreview = "base_preview",
    /// The sidebar of a file.
    BaseSidebar = "base_sidebar",
    /// Uploading.
    BaseUpload = "base_upload",
    /// Deleting.
    ItemDelete = "item_delete",
    /// Downloading.
    ItemDownload = "item_download",
    /// Previewing.
    ItemPreview = "item_preview",
    /// Reading a file, as the read token of an event does.
    ItemRead = "item_read",
    /// Renaming.
    ItemRename = "item_rename",
    /// Creating and changing shared links.
    ItemShare = "item_share",
    /// Uploading.
    ItemUpload = "item_upload",
    /// Metadata and its templates.
    Gcm = "gcm",
    /// Reporting invocations of a skill.
    ManageSkillInvocations = "manage_skill_invocations",
}

impl Scope {
    /// The scope with this name; `None` for one that the mock does not know.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|scope| scope.as_str() == text)
    }

    /// Whether it permits a call. What a `PUT` changes is checked with its body: see
    /// [`Scope::permits_change`].
    pub fn permits(self, method: &Method, operation: Operation) -> bool {
        use Operation as Op;
        let reads = |operations: &[Op]| *method == Method::GET && operations.contains(&operation);
        match self {
            Self::RootReadwrite => true,
            Self::RootReadonly => reads(&[
                Op::Info,
                Op::Download,
                Op::Representation,
                Op::CardsRead,
                Op::Folder,
                Op::FolderMetadata,
                Op::Template,
                Op::User,
            ]),
            Self::BaseExplorer => reads(&[Op::Info, Op::Folder, Op::Representation]),
            Self::BasePicker => reads(&[Op::Info, Op::Folder]),
            Self::BasePreview | Self::ItemPreview => reads(&[Op::Info, Op::Representation]),
            Self::BaseSidebar => reads(&[Op::Info, Op::CardsRead]),
            Self::ItemDownload => reads(&[Op::Info, Op::Download]),
            Self::ItemRead => reads(&[Op::Info, Op::Download, Op::Representation, Op::CardsRead]),
            Self::BaseUpload | Self::ItemUpload => {
                reads(&[Op::Info, Op::Folder])
                    || matches!(operation, Op::Upload | Op::Version | Op::UploadSession)
            }
            Self::ItemDelete => {
                *method == Method::DELETE && matches!(operation, Op::File | Op::Folder)
            }
            Self::ItemRename | Self::ItemShare => {
                *method == Method::PUT && matches!(operation, Op::File | Op::Folder)
            }
            Self::Gcm => matches!(
                operation,
                Op::Cards | Op::CardsRead | Op::FolderMetadata | Op::Template
            ),
            Self::ManageSkillInvocations => operation == Op::Invocation,
        }
    }

    /// Whether it permits a `PUT` to change this member of a file or folder.
    pub fn permits_change(self, member: &str) -> bool {
        match self {
            Self::RootReadwrite => true,
            Self::ItemRename => member == "name",
            Self::ItemShare => member == "shared_link",
            _ => false,
        }
    }

    /// Whether a token of this kind may be exchanged for one with this scope.
    pub fn is_within(self, kind: TokenKind) -> bool {
        match kind {
            TokenKind::User => true,
            TokenKind::Read => matches!(
                self,
                Self::Gcm
                    | Self::ItemRead
                    | Self::ItemDownload
                    | Self::ItemPreview
                    | Self::BasePreview
            ),
            TokenKind::Write => matches!(
                self,
                Self::Gcm | Self::ItemUpload | Self::BaseUpload | Self::ManageSkillInvocations
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_permit_their_own_calls_only() {
        for (scope, method, operation, permitted) in [
            (Scope::ItemRename, Method::PUT, Operation::File, true),
            (Scope::ItemRename, Method::DELETE, Operation::File, false),
            (Scope::ItemDelete, Method::DELETE, Operation::Folder, true),
            (Scope::RootReadonly, Method::GET, Operation::Folder, true),
            (Scope::RootReadonly, Method::POST, Operation::Upload, false),
            (Scope::RootReadonly, Method::POST, Operation::Folder, false),
            (Scope::ItemUpload, Method::POST, Operation::Version, true),
            (Scope::ItemPreview, Method::GET, Operation::Download, false),
            (Scope::Gcm, Method::PUT, Operation::Cards, true),
            (
                Scope::ManageSkillInvocations,
                Method::PUT,
                Operation::Cards,
                false,
            ),
        ] {
            assert_eq!(
                scope.permits(&method, operation),
                permitted,
                "{} {method} {operation}",
                scope.as_str()
            );
        }
        assert_eq!(Scope::parse("item_rename"), Some(Scope::ItemRename));
        assert_eq!(Scope::parse("everything"), None);
    }

    #[test]
    fn an_event_token_cannot_be_exchanged_for_more() {
        assert!(Scope::ItemRead.is_within(TokenKind::Read));
        assert!(!Scope::ItemUpload.is_within(TokenKind::Read));
        assert!(!Scope::RootReadonly.is_within(TokenKind::Write));
        assert!(Scope::RootReadwrite.is_within(TokenKind::User));
    }
}
