//! The credentials of operations, by path.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, SecurityRequirement};

const PUBLIC: [&str; 7] = [
    "/health",
    "/.well-known/jwks.json",
    "/api/auth/login",
    "/api/auth/logout",
    "/api/share/",
    "/api/openapi.json",
    "/api/docs",
];

pub fn declare(components: &mut Components) {
    let bearer = |format: &str, what: &str| {
        let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format);
        SecurityScheme::Http(http.description(Some(what)).build())
    };
    let header = ApiKeyValue::with_description("x-api-key", "The same key in the `x-api-key` header");
    let cookie = ApiKeyValue::with_description(
        "access_token",
        "The session cookie, which signing in sets. Over https its name is `__Host-access_token`",
    );
    components.security_schemes.extend([
        ("apiKey".to_owned(), bearer("hp_...", "An agent's API key")),
        ("apiKeyHeader".to_owned(), SecurityScheme::ApiKey(ApiKey::Header(header))),
        ("session".to_owned(), bearer("hs_...", "A person's session token")),
        ("sessionCookie".to_owned(), SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
    ]);
}

/// The credentials that a path accepts, any one of them; none for a public path.
pub fn requirements(path: &str) -> Vec<SecurityRequirement> {
    let names: &[&str] = if is_public(path) {
        &[]
    } else if is_for_agents(path) {
        &["apiKey", "apiKeyHeader"]
    } else {
        &["session", "sessionCookie"]
    };
    names.iter().map(|name| SecurityRequirement::new(*name, <[&str; 0]>::default())).collect()
}

/// Whether a path takes an API key.
pub fn is_for_agents(path: &str) -> bool {
    path.starts_with("/api/v1/") || path == "/mcp"
}

pub fn is_public(path: &str) -> bool {
    PUBLIC.iter().any(|public| if public.ends_with('/') { path.starts_with(public) } else { path == *public })
}
