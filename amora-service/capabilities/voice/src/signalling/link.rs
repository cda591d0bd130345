//! STUN and TURN servers in `Link` headers: RFC 9725, 4.6, in the grammar of RFC 8288.

use super::IceServer;

/// Servers that are taken at most.
const SERVERS: usize = 16;

/// Bytes of a header that are read at most.
const LONGEST: usize = 8 * 1024;

/// The servers that the values of `Link` headers name. What is none, or cannot be read, is passed over.
pub fn ice_servers<'a>(headers: impl IntoIterator<Item = &'a str>) -> Vec<IceServer> {
    let mut servers = Vec::new();
    for header in headers.into_iter().filter(|header| header.len() <= LONGEST) {
        let mut rest = header;
        while let Some((link, after)) = link(rest) {
            servers.extend(server(link));
            rest = after;
        }
    }
    servers.truncate(SERVERS);
    servers
}

/// One link: its target and its parameters.
struct Link<'a> {
    target: &'a str,
    parameters: Vec<(&'a str, String)>,
}

/// Takes the first link off a header.
fn link(text: &str) -> Option<(Link<'_>, &str)> {
    let text = text.trim_start_matches([' ', '\t', ',']).strip_prefix('<')?;
    let (target, mut rest) = text.split_once('>')?;
    let mut parameters = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let Some(parameter) = rest.strip_prefix(';') else {
            break;
        };
        let parameter = parameter.trim_start_matches([' ', '\t']);
        let end = parameter.find(['=', ';', ',']).unwrap_or(parameter.len());
        let (name, after) = parameter.split_at(end);
        let (value, after) = match after.strip_prefix('=') {
            Some(value) => read_value(value)?,
            None => (String::new(), after),
        };
        parameters.push((name.trim(), value));
        rest = after;
    }
    Some((Link { target, parameters }, rest))
}

/// A token, or text in quotation marks with `\` before what is meant literally.
fn read_value(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',', ' ', '\t']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

fn server(link: Link<'_>) -> Option<IceServer> {
    let find = |name: &str| {
        let mut parameters = link.parameters.iter();
        parameters
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    };
    let is_ice = find("rel")?
        .split_ascii_whitespace()
        .any(|relation| relation.eq_ignore_ascii_case("ice-server"));
    let schemes = ["stun:", "stuns:", "turn:", "turns:"];
    let is_known = schemes.iter().any(|scheme| {
        let start = link.target.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    // Another type of credential than a password is none that is spoken here.
    let is_password = find("credential-type").is_none_or(|kind| kind == "password");
    (is_ice && is_known && is_password && !link.target.chars().any(char::is_whitespace)).then(|| IceServer {
        urls: vec![link.target.to_owned()],
        username: find("username").unwrap_or_default(),
        credential: find("credential").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_servers_of_the_standard_are_read() {
        let headers = [
            r#"<stun:stun.example.net>; rel="ice-server""#,
            r#"<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; credential="myPassword"; credential-type="password", <turns:turn.example.net?transport=tcp>;rel=ice-server;username=user;credential="my\"Pass,w;ord""#,
        ];
        let servers = ice_servers(headers);
        let read: Vec<(&str, &str, &str)> = servers
            .iter()
            .map(|server| (&*server.urls[0], &*server.username, &*server.credential))
            .collect();
        assert_eq!(
            read,
            [
                ("stun:stun.example.net", "", ""),
                ("turn:turn.example.net?transport=udp", "user", "myPassword"),
                ("turns:turn.example.net?transport=tcp", "user", "my\"Pass,w;ord"),
            ]
        );
    }

    #[test]
    fn other_links_are_passed_over() {
        for header in [
            r#"</session/1/events>; rel="urn:ietf:params:whep:ext:core:server-sent-events""#,
            r#"<https://example.net>; rel="ice-server""#,
            r#"<turn:example.net>; rel="ice-server"; credential-type="oauth""#,
            r#"<stun:example.net>"#,
            r#"<stun:example.net>; rel="ice-server"#,
            "",
            "<",
            ",,,",
        ] {
            assert_eq!(ice_servers([header]), [], "{header}");
        }
    }

    #[test]
    fn there_is_an_end_to_them() {
        let many = r#"<stun:a.example>; rel="ice-server","#.repeat(100);
        assert_eq!(ice_servers([&*many]).len(), SERVERS);
        let long = format!(r#"<stun:{}>; rel="ice-server""#, "a".repeat(LONGEST));
        assert_eq!(ice_servers([&*long]), []);
    }

    proptest! {
        #[test]
        fn anything_can_stand_in_a_header(header in "[<>;,=\"\\\\ a-c:.]{0,80}|\\PC{0,80}") {
            ice_servers([&*header]);
        }
    }
}
