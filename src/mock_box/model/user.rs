//! The one user of the mock Box: every token acts for this user.

/// The user's id.
pub const ID: &str = "11446498";
/// The user's name.
pub const NAME: &str = "Mock User";
/// The user's e-mail address.
pub const LOGIN: &str = "mock.user@example.com";
/// The id of the user's enterprise, which the scope `enterprise` of a template means.
pub const ENTERPRISE_ID: &str = "801234";
/// The name of the user's enterprise.
pub const ENTERPRISE_NAME: &str = "Mock Enterprise";
