//! The trading page, embedded in the binary.
//!
//! Invariant: only files of the embedded folder are served; a path cannot leave it.

use axum::{
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use include_dir::{Dir, include_dir};

static PAGE: Dir<'_> = include_dir!("$OUT_DIR/page");

/// Serves a file of the page; `/` is its index.
pub async fn serve(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let Some(file) = PAGE.get_file(path) else {
        return (StatusCode::NOT_FOUND, format!("no {path} here\n")).into_response();
    };
    // Built assets carry their digest in the name; the index must be asked for again.
    let cache = if path == "index.html" { "no-cache" } else { "public, max-age=31536000, immutable" };
    ([(header::CONTENT_TYPE, content_type(path)), (header::CACHE_CONTROL, cache)], file.contents())
        .into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" => "application/json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_index_is_served_and_nothing_outside_the_page() {
        assert_eq!(serve(Uri::from_static("/")).await.status(), StatusCode::OK);
        for path in ["/../Cargo.toml", "/..%2fCargo.toml", "/nothing", "//etc/passwd"] {
            let uri: Uri = path.parse().unwrap();
            assert_eq!(serve(uri).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
