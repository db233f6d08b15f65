//! The pages' icons: strokes on a grid of 24, in the colour of the text around them.

macro_rules! svg {
    ($($shape:literal)+) => {
        concat!(
            r#"<svg class="icon" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">"#,
            $($shape,)+
            "</svg>"
        )
    };
}

/// The SVG of an icon; nothing for a name that has none.
pub fn icon(name: &str) -> &'static str {
    match name {
        "inbox" => svg!(r#"<path d="M3 13l3-8h12l3 8v6H3z"/><path d="M3 13h5l1 3h6l1-3h5"/>"#),
        "chat" => svg!(r#"<path d="M4 5h16v11H10l-5 4v-4H4z"/>"#),
        "file" => svg!(r#"<path d="M6 3h8l4 4v14H6z"/><path d="M14 3v4h4"/>"#),
        "pulse" => svg!(r#"<path d="M3 12h4l3-7 4 14 3-7h4"/>"#),
        "list" => svg!(r#"<path d="M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01"/>"#),
        "gear" => svg!(
            r#"<circle cx="12" cy="12" r="3"/><path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M18.4 5.6l-2.1 2.1M7.7 16.3l-2.1 2.1"/>"#
        ),
        "check" => svg!(r#"<path d="M5 12.5l4.5 4.5L19 7.5"/>"#),
        "cross" => svg!(r#"<path d="M6 6l12 12M18 6L6 18"/>"#),
        "clock" => svg!(r#"<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.5 2"/>"#),
        "back" => svg!(r#"<path d="M14 6l-6 6 6 6"/>"#),
        "next" => svg!(r#"<path d="M10 6l6 6-6 6"/>"#),
        "send" => svg!(r#"<path d="M4 12l16-8-6 16-3-6z"/>"#),
        "clip" => svg!(
            r#"<path d="M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7L9.3 17a1.7 1.7 0 0 1-2.4-2.4L14 7.5"/>"#
        ),
        "reply" => svg!(r#"<path d="M10 7L4 12l6 5"/><path d="M4 12h10a6 6 0 0 1 6 6"/>"#),
        "download" => svg!(r#"<path d="M12 4v11M7 11l5 5 5-5M5 20h14"/>"#),
        "bell" => svg!(r#"<path d="M6 16V11a6 6 0 0 1 12 0v5l2 2H4z"/><path d="M10 21h4"/>"#),
        "out" => svg!(r#"<path d="M14 4h5v16h-5M4 12h10M10 8l4 4-4 4"/>"#),
        "keys" => svg!(r#"<path d="M3 7h18v10H3zM7 14h10M7 10.5h.01M11 10.5h.01M15 10.5h.01"/>"#),
        "grid" => svg!(r#"<path d="M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z"/>"#),
        "link" => svg!(r#"<path d="M10 14l4-4M9 8l3-3a4 4 0 0 1 6 6l-3 3M15 16l-3 3a4 4 0 0 1-6-6l3-3"/>"#),
        "trash" => svg!(r#"<path d="M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5"/>"#),
        "upload" => svg!(r#"<path d="M12 16V5M7 9l5-5 5 5M5 20h14"/>"#),
        "down" => svg!(r#"<path d="M12 5v13M7 13l5 5 5-5"/>"#),
        "up" => svg!(r#"<path d="M12 19V6M7 11l5-5 5 5"/>"#),
        "alert" => svg!(r#"<path d="M12 4l9 16H3z"/><path d="M12 10v4M12 17h.01"/>"#),
        "caution" => svg!(r#"<circle cx="12" cy="12" r="8.5"/><path d="M12 8v5M12 16h.01"/>"#),
        "shield" => svg!(r#"<path d="M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z"/><path d="M9 11.5l2.2 2.2L15 10"/>"#),
        "eye" => svg!(
            r#"<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="2.5"/>"#
        ),
        "key" => svg!(r#"<circle cx="8" cy="15" r="4"/><path d="M11 12l8-8M16 7l3 3"/>"#),
        "no-entry" => svg!(r#"<circle cx="12" cy="12" r="8.5"/><path d="M8 12h8"/>"#),
        "undo" => svg!(r#"<path d="M8 5L4 9l4 4"/><path d="M4 9h10a6 6 0 0 1 0 12h-3"/>"#),
        "no-undo" => svg!(r#"<path d="M8 5L4 9l4 4"/><path d="M4 9h10a6 6 0 0 1 0 12h-3M4 20L20 4"/>"#),
        _ => "",
    }
}
