//! The `Link` header, from page to page (RFC 8288).

use std::collections::BTreeMap;

/// Adds the links of a header line, each under the text of its parameters, as
/// `rel="next"`. `None` when the line is no such thing.
pub(super) fn add_links(line: &str, links: &mut BTreeMap<String, String>) -> Option<()> {
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (target, behind) = rest.strip_prefix('<')?.split_once('>')?;
        let end = end_of_parameters(behind);
        let parameters = behind[..end].trim();
        let parameters = match parameters.strip_prefix(';') {
            Some(parameters) => parameters.trim(),
            None if parameters.is_empty() => "",
            None => return None,
        };
        // The relation alone, however it is written and whatever stands beside it, so that
        // it can be asked for; a link that has no other parameter comes first.
        if let Some(relation) = relation(parameters) {
            links.entry(format!("rel=\"{relation}\"")).or_insert_with(|| target.to_owned());
        }
        links.insert(parameters.to_owned(), target.to_owned());
        rest = behind[end..].trim_start_matches([',', ' ', '\t']);
    }
    Some(())
}

/// Where the comma is that ends the link: commas in quotes do not.
fn end_of_parameters(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (position, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => return position,
            _ => {}
        }
    }
    text.len()
}

fn relation(parameters: &str) -> Option<&str> {
    let mut values = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let (_, value) = values.find(|(name, _)| name.trim().eq_ignore_ascii_case("rel"))?;
    Some(value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(line: &str) -> Option<Vec<(String, String)>> {
        let mut links = BTreeMap::new();
        add_links(line, &mut links)?;
        Some(links.into_iter().collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(pairs.iter().map(|(key, url)| ((*key).to_owned(), (*url).to_owned())).collect())
    }

    #[test]
    fn links_are_found_by_their_parameters() {
        let line = r#"<http://a/?p=2>; rel="next", <http://a/?p=9,9>; rel="last""#;
        let found = [("rel=\"last\"", "http://a/?p=9,9"), ("rel=\"next\"", "http://a/?p=2")];
        assert_eq!(links(line), pairs(&found));
        assert_eq!(links("<http://a/>"), pairs(&[("", "http://a/")]));
        assert_eq!(links(""), pairs(&[]));
    }

    #[test]
    fn the_relation_is_found_however_it_is_written() {
        let found = [("rel=\"next\"", "/b"), ("rel=next", "/b")];
        assert_eq!(links("</b>; rel=next"), pairs(&found));
        let found = [("rel=\"next\"", "/c"), ("rel=\"next\"; title=\"a, b\"", "/c")];
        assert_eq!(links(r#"</c>; rel="next"; title="a, b""#), pairs(&found));
    }

    #[test]
    fn what_is_no_link_is_refused() {
        for line in ["http://a/", "<http://a/", "<a> b", "<a>; rel=\"next\", b"] {
            assert_eq!(links(line), None, "{line}");
        }
    }
}
