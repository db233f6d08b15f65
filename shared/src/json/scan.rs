//! A second, slower reading of JSON that only refused bodies get: it finds the first mistake, and the
//! way to it.
//!
//! Values are never quoted: an error must not repeat a password that was sent without quotes.

use serde::de::IgnoredAny;

use crate::json::MAX_LEVELS;
use crate::json::{Step, place};

const ENDS_TOO_EARLY: &str = "it ends too early";

/// What is wrong.
pub enum Mistake {
    /// How a text holds it, and the escape.
    Half(&'static str, String),
    Syntax(&'static str),
}

/// The result of reading one part.
pub type Read = Result<(), Mistake>;

fn syntax(what: &'static str) -> Read {
    Err(Mistake::Syntax(what))
}

/// Reads up to the first mistake, and stays there.
pub struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// The way to where it is.
    pub path: Vec<Step>,
}

impl<'a> Scan<'a> {
    /// Starts at the beginning of `text`.
    pub fn of(text: &'a str) -> Self {
        Self { text, at: 0, path: vec![] }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Passes over `c` if it comes next.
    fn passes(&mut self, c: char) -> bool {
        let next = self.peek() == Some(c);
        self.at += if next { c.len_utf8() } else { 0 };
        next
    }

    /// Where the scan stands: line and column.
    pub fn position(&self) -> String {
        let before = &self.text[..self.at];
        let line = before.rsplit('\n').next().unwrap_or_default();
        let (row, column) = (before.matches('\n').count() + 1, line.chars().count() + 1);
        match place(&self.path) {
            place if place.is_empty() => format!("line {row} column {column}"),
            place => format!("at {place}, line {row} column {column}"),
        }
    }

    fn blanks(&mut self) -> Read {
        let rest = self.rest().trim_start_matches([' ', '\t', '\n', '\r']);
        self.at = self.text.len() - rest.len();
        if rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with('#') {
            return syntax("JSON has no comments");
        }
        Ok(())
    }

    /// Reads one document to its end, or to its first mistake.
    pub fn document(&mut self) -> Read {
        self.value(0)?;
        self.blanks()?;
        if self.rest().is_empty() { Ok(()) } else { syntax("something follows after the end of the JSON") }
    }

    fn value(&mut self, level: usize) -> Read {
        self.blanks()?;
        match self.peek() {
            None => syntax(ENDS_TOO_EARLY),
            Some('{' | '[') if level == MAX_LEVELS => syntax("it nests deeper than 127 levels"),
            Some('{') => self.object(level + 1),
            Some('[') => self.array(level + 1),
            Some('"') => self.string(),
            Some('-' | '0'..='9') => self.number(),
            Some(_) => self.word(),
        }
    }

    fn object(&mut self, level: usize) -> Read {
        self.at += 1;
        self.blanks()?;
        if self.passes('}') {
            return Ok(());
        }
        loop {
            self.member(level)?;
            if self.separated('}')? {
                return Ok(());
            }
            self.blanks()?;
            if self.peek() == Some('}') {
                return syntax("JSON has no comma after the last member");
            }
        }
    }

    fn member(&mut self, level: usize) -> Read {
        let begins = self.at;
        match self.peek() {
            None => return syntax(ENDS_TOO_EARLY),
            Some('"') => self.string()?,
            Some(quote) if is_odd_quote(quote) => return syntax("names stand in plain double quotes"),
            Some(_) => return syntax("a member's name in double quotes is missing"),
        }
        let name = serde_json::from_str::<String>(&self.text[begins..self.at]).unwrap_or_default();
        self.blanks()?;
        if !self.passes(':') {
            return syntax(if self.rest().is_empty() {
                ENDS_TOO_EARLY
            } else {
                "a colon is missing after a member's name"
            });
        }
        self.path.push(Step::Name(name));
        self.value(level)?;
        self.path.pop();
        Ok(())
    }

    fn array(&mut self, level: usize) -> Read {
        self.at += 1;
        self.blanks()?;
        if self.passes(']') {
            return Ok(());
        }
        for index in 0.. {
            self.path.push(Step::Index(index));
            self.value(level)?;
            self.path.pop();
            if self.separated(']')? {
                break;
            }
            self.blanks()?;
            if self.peek() == Some(']') {
                return syntax("JSON has no comma after the last element");
            }
        }
        Ok(())
    }

    /// Whether the end comes after a value; otherwise a comma has to.
    fn separated(&mut self, end: char) -> Result<bool, Mistake> {
        self.blanks()?;
        if self.passes(end) {
            return Ok(true);
        }
        if self.passes(',') {
            return Ok(false);
        }
        syntax(if self.rest().is_empty() { ENDS_TOO_EARLY } else { "a comma or the closing bracket is missing" })?;
        Ok(false)
    }

    fn string(&mut self) -> Read {
        self.at += 1;
        let begins = self.at;
        loop {
            match self.peek() {
                None => return syntax("it ends inside of a string"),
                Some('"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some('\\') => self.escape(begins)?,
                Some('\n' | '\r') => return syntax("a string holds a line break: write it as \\n"),
                Some(c) if c < ' ' => return syntax("a string holds a control character: write it as \\u00XX"),
                Some(c) => self.at += c.len_utf8(),
            }
        }
    }

    fn escape(&mut self, begins: usize) -> Read {
        let rest = self.rest();
        match rest[1..].chars().next() {
            None => syntax("it ends inside of a string"),
            Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => {
                self.at += 2;
                Ok(())
            }
            Some('u') => match (unit(rest), rest.get(6..).and_then(unit)) {
                (None, _) => syntax("\\u stands before four hexadecimal digits"),
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => {
                    self.at += 12;
                    Ok(())
                }
                (Some(0xd800..=0xdfff), _) => Err(half(rest, self.at == begins)),
                (Some(_), _) => {
                    self.at += 6;
                    Ok(())
                }
            },
            Some(_) => syntax("a backslash stands before a character that JSON does not escape"),
        }
    }

    fn number(&mut self) -> Read {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-._".contains(c)).unwrap_or(rest.len());
        let token = &rest[..end];
        let number = token.trim_start_matches('-');
        if number.starts_with("Infinity") || number.starts_with("inf") || number.starts_with("NaN") {
            return syntax(NOT_A_NUMBER);
        }
        // Numbers that no `f64` holds are well-formed, too.
        if serde_json::from_str::<IgnoredAny>(token).is_err() {
            return syntax("a number is written in a way that JSON does not have");
        }
        self.at += end;
        Ok(())
    }

    fn word(&mut self) -> Read {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        match &rest[..end] {
            word @ ("true" | "false" | "null") => {
                self.at += word.len();
                Ok(())
            }
            "NaN" | "Infinity" | "nan" | "inf" => syntax(NOT_A_NUMBER),
            "undefined" => syntax("undefined is no JSON value: leave the member out, or send null"),
            "None" | "True" | "False" => syntax("None, True and False are Python: JSON has null, true and false"),
            _ if self.peek().is_some_and(is_odd_quote) => syntax("strings stand in plain double quotes"),
            _ if matches!(self.peek(), Some(',' | ']' | '}' | ':')) => syntax("a value is missing"),
            _ if matches!(self.peek(), Some('+' | '.')) => {
                syntax("a number is written in a way that JSON does not have")
            }
            _ => syntax("a value is not JSON: strings stand in double quotes"),
        }
    }
}

const NOT_A_NUMBER: &str = "NaN and Infinity are no JSON numbers: send null or a string";

fn is_odd_quote(c: char) -> bool {
    matches!(c, '\'' | '`' | '‘' | '’' | '“' | '”' | '„' | '«' | '»')
}

/// The code unit of an escape that begins here.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
}

/// A surrogate without its other half.
fn half(rest: &str, first: bool) -> Mistake {
    let verb = match (rest[6..].starts_with('"'), first) {
        (true, _) => "ends in",
        (false, true) => "begins with",
        (false, false) => "holds",
    };
    Mistake::Half(verb, rest[..6].to_owned())
}
