//! CSV files as tables, whichever separator they use.

/// The most columns that are shown.
const MAX_COLUMNS: usize = 50;
/// How many records are examined to choose the separator.
const SAMPLE_ROWS: usize = 50;
/// By preference where several fit: commas are the most common in prose and numbers, so they come last.
const SEPARATORS: [u8; 4] = [b'\t', b';', b'|', b','];

/// A table: its first record is the head.
pub struct Table {
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// How many further rows there are.
    pub more: usize,
}

impl Table {
    /// The table of a text, up to so many rows.
    pub fn of(text: &str, most_rows: usize) -> Self {
        let (separator, text) = match named_separator(text) {
            Some((separator, rest)) => (separator, rest),
            None => (likely_separator(text), text),
        };
        let mut records = records(text, separator).map(|it| {
            let cells = it.iter().take(MAX_COLUMNS);
            cells.map(str::to_owned).collect::<Vec<_>>()
        });
        let head = records.next().unwrap_or_default();
        let rows = records.by_ref().take(most_rows).collect();
        Self { head, rows, more: records.count() }
    }
}

fn records(text: &str, separator: u8) -> impl Iterator<Item = csv::StringRecord> {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(separator);
    builder.from_reader(text.as_bytes()).into_records().flatten()
}

/// The separator that a first line `sep=;` names, which spreadsheets write for Excel, and the text after that line.
fn named_separator(text: &str) -> Option<(u8, &str)> {
    let (line, rest) = text.split_once(['\n', '\r'])?;
    let rest =
        if text.as_bytes().get(line.len()) == Some(&b'\r') { rest.strip_prefix('\n').unwrap_or(rest) } else { rest };
    let line = line.trim_matches(['"', ' ']);
    let named = line.get(..4).filter(|it| it.eq_ignore_ascii_case("sep=")).and_then(|_| line.get(4..))?;
    match named.as_bytes() {
        [separator] if separator.is_ascii() && *separator != b'"' => Some((*separator, rest)),
        b"\\t" => Some((b'\t', rest)),
        _ => None,
    }
}

/// The separator by which most records have the same number of cells, and more than one.
fn likely_separator(text: &str) -> u8 {
    let mut best = (b',', (0, 0));
    for separator in SEPARATORS {
        let counts: Vec<usize> = records(text, separator).take(SAMPLE_ROWS).map(|it| it.len()).collect();
        let wide = counts.iter().filter(|count| **count > 1);
        let alike = |count: &usize| (counts.iter().filter(|other| *other == count).count(), *count);
        let fit = wide.map(alike).max().unwrap_or_default();
        // Where several split equally many records alike, the first wins.
        if fit.0 > best.1.0 {
            best = (separator, fit);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_ROWS: usize = 200;

    fn cells(text: &str) -> Vec<Vec<String>> {
        let Table { head, rows, .. } = Table::of(text, MAX_ROWS);
        [vec![head], rows].concat()
    }

    #[test]
    fn a_table_has_a_head_and_as_many_rows_as_are_shown() {
        let text = format!("name,note\n\"a, b\",\"two\nlines\"\n{}", "x,y\n".repeat(300));
        let table = Table::of(&text, MAX_ROWS);
        assert_eq!((table.head, table.rows.len(), table.more), (vec!["name".into(), "note".into()], MAX_ROWS, 101));
        assert_eq!(table.rows[0], ["a, b", "two\nlines"]);
    }

    #[test]
    fn the_separator_is_what_splits_most_records_alike() {
        for text in [
            "a,b\n1,2",
            "a;b\n1;2",
            "a\tb\r\n1\t2\r\n",
            "a|b\r1|2",
            "sep=;\na;b\n1;2",
            "sep=;\r\na;b\r\n1;2\r\n",
            "SEP=|\ra|b\r1|2",
            "\"sep=,\"\na,b\n1,2",
            "sep=\t\na\tb\n1\t2",
            "sep=\\t\na\tb\n1\t2",
            "sep=*\na*b\n1*2",
            "\"a\";\"b\"\n\"1\";\"2\"",
        ] {
            assert_eq!(cells(text), [["a", "b"], ["1", "2"]], "{text:?}");
        }
    }

    #[test]
    fn decimal_commas_and_commas_in_prose_separate_nothing() {
        assert_eq!(cells("Name;Price\nTea;1,50\nCoffee;2,50")[1], ["Tea", "1,50"]);
        assert_eq!(cells("Item\tNote\n1\tone, two\n2\tthree, four")[2], ["2", "three, four"]);
        assert_eq!(cells("Name,Note\nA,\"x;y;z\"\nB,\"p|q\"")[1], ["A", "x;y;z"]);
        assert_eq!(cells("A;B\n\"x;y\";\"two\nlines\"\n1;2")[1], ["x;y", "two\nlines"]);
        assert_eq!(cells("Report of November\n\nName;Sum\nA;1\nB;2")[2], ["A", "1"]);
    }

    #[test]
    fn one_column_is_a_table_too() {
        assert_eq!(cells("name\nAnna\nBob"), [["name"], ["Anna"], ["Bob"]]);
        assert_eq!(cells("sep=nothing\nx")[0], ["sep=nothing"]);
        assert_eq!(cells(""), [Vec::<String>::new()]);
    }
}
