//! API Gateway in front of a Lambda function (REST API, payload version 1.0): the proxy event made
//! of a request, and the reply made of the function's result.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

/// A request to the function's URL.
#[derive(Clone, Debug)]
pub struct GatewayRequest<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
    /// The query, without its question mark.
    pub query: Option<&'a str>,
    /// Names and values, in their order.
    pub headers: &'a [(String, String)],
    /// The exact body.
    pub body: &'a [u8],
    /// The address of the client.
    pub source_ip: &'a str,
    /// The id of the request.
    pub request_id: &'a str,
    /// Unix time of its arrival, in milliseconds.
    pub received_ms: i64,
}

/// The proxy event of a request. A body that is not UTF-8 is given as base64.
pub fn proxy_event(request: &GatewayRequest<'_>) -> Value {
    let (body, is_base64) = match std::str::from_utf8(request.body) {
        Ok("") => (Value::Null, false),
        Ok(text) => (json!(text), false),
        Err(_) => (json!(STANDARD.encode(request.body)), true),
    };
    let headers = request.headers.iter().cloned();
    let (headers, multi_headers) = single_and_multi(headers);
    let query = form_urlencoded::parse(request.query.unwrap_or_default().as_bytes()).into_owned();
    let (query, multi_query) = single_and_multi(query);
    let or_null = |map: Map<String, Value>| {
        if map.is_empty() {
            Value::Null
        } else {
            map.into()
        }
    };
    let user_agent = request
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("user-agent"))
        .map(|(_, value)| value);
    json!({
        "resource": "/{proxy+}",
        "path": request.path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": multi_headers,
        "queryStringParameters": or_null(query),
        "multiValueQueryStringParameters": or_null(multi_query),
        "pathParameters": null,
        "stageVariables": null,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "httpMethod": request.method,
            "identity": {"sourceIp": request.source_ip, "userAgent": user_agent},
            "path": request.path,
            "protocol": "HTTP/1.1",
            "requestId": request.request_id,
            "requestTimeEpoch": request.received_ms,
            "resourcePath": "/{proxy+}",
            "stage": "local"
        },
        "body": body,
        "isBase64Encoded": is_base64
    })
}

/// Pairs as an object of their last values, and as one of lists of all values.
fn single_and_multi(
    pairs: impl Iterator<Item = (String, String)>,
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut single, mut multi) = (Map::new(), Map::new());
    for (name, value) in pairs {
        let values = multi.entry(name.clone()).or_insert_with(|| json!([]));
        if let Value::Array(values) = values {
            values.push(json!(value));
        }
        single.insert(name, json!(value));
    }
    (single, multi)
}

/// A reply of the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayReply {
    /// From 200 to 599.
    pub status: u16,
    /// Names and values; a Content-Type is always there, a Content-Length never.
    pub headers: Vec<(String, String)>,
    /// The body, decoded.
    pub body: Vec<u8>,
}

/// The reply that API Gateway makes of a function's result.
///
/// # Errors
/// Why API Gateway replies 502 instead.
pub fn reply(result: &Value) -> Result<GatewayReply, String> {
    let Value::Object(members) = result else {
        return Err(format!(
            "the handler returned {result}, not an object with statusCode"
        ));
    };
    let status = match members.get("statusCode") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(other) => other.as_u64().and_then(|status| status.try_into().ok()),
        None => None,
    };
    let Some(status) = status.filter(|status: &u16| (200..=599).contains(status)) else {
        let status = members.get("statusCode").unwrap_or(&Value::Null);
        return Err(format!("the handler's statusCode is {status}"));
    };
    let body = match members.get("body") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text,
        Some(_) => {
            return Err(
                "the body of the handler's result is not a string: use JSON.stringify or json.dumps"
                    .to_owned(),
            );
        }
    };
    let body = if members.get("isBase64Encoded") == Some(&Value::Bool(true)) {
        STANDARD.decode(body).map_err(|error| {
            format!("isBase64Encoded is true, but the body of the handler's result is not base64: {error}")
        })?
    } else {
        body.as_bytes().to_vec()
    };
    Ok(GatewayReply {
        status,
        headers: reply_headers(members),
        body,
    })
}

fn reply_headers(members: &Map<String, Value>) -> Vec<(String, String)> {
    let object = |name: &str| members.get(name).and_then(Value::as_object);
    let (single, multi) = (object("headers"), object("multiValueHeaders"));
    let is_in_multi = |name: &str| multi.is_some_and(|multi| multi.contains_key(name));
    let single = single.into_iter().flatten();
    let single = single.filter(|(name, _)| !is_in_multi(name));
    let mut headers: Vec<(String, String)> = single
        .chain(multi.into_iter().flatten())
        .filter(|(name, _)| !is_set_by_gateway(name))
        .flat_map(|(name, value)| {
            let values = match value {
                Value::Array(values) => values.as_slice(),
                value => std::slice::from_ref(value),
            };
            values.iter().filter_map(|value| match value {
                Value::Null => None,
                Value::String(text) => Some((name.clone(), text.clone())),
                other => Some((name.clone(), other.to_string())),
            })
        })
        .collect();
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    }
    headers
}

fn is_set_by_gateway(name: &str) -> bool {
    ["content-length", "transfer-encoding", "connection"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'a>(headers: &'a [(String, String)], body: &'a [u8]) -> GatewayRequest<'a> {
        GatewayRequest {
            method: "POST",
            path: "/skill",
            query: Some("a=1&a=2&b=%C3%BC"),
            headers,
            body,
            source_ip: "127.0.0.1",
            request_id: "r",
            received_ms: 1_790_000_000_000,
        }
    }

    #[test]
    fn a_proxy_event_holds_the_exact_body_and_all_headers() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = [
            pair("box-x", "1"),
            pair("box-x", "2"),
            pair("user-agent", "Box"),
        ];
        let body = r#"{"name":"\u00dcber\/sicht", "raw":"ü"}"#;
        let event = proxy_event(&request(&headers, body.as_bytes()));
        assert_eq!(event["body"], body);
        assert_eq!(event["isBase64Encoded"], false);
        assert_eq!(event["headers"]["box-x"], "2");
        assert_eq!(event["multiValueHeaders"]["box-x"], json!(["1", "2"]));
        assert_eq!(event["requestContext"]["identity"]["userAgent"], "Box");
        assert_eq!(event["queryStringParameters"], json!({"a": "2", "b": "ü"}));
        assert_eq!(
            event["multiValueQueryStringParameters"]["a"],
            json!(["1", "2"])
        );
        let event = proxy_event(&request(&headers, &[0xff, 0xfe]));
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!("//4="), &json!(true))
        );
        assert_eq!(proxy_event(&request(&[], b""))["body"], Value::Null);
    }

    #[test]
    fn a_reply_has_the_status_headers_and_body_of_the_result() {
        let result = json!({
            "statusCode": "201", "body": "aGk=", "isBase64Encoded": true,
            "headers": {"X-A": 1, "Content-Length": "9", "X-Null": null, "X-B": "gone"},
            "multiValueHeaders": {"X-B": ["1", "2"]}
        });
        let reply = reply(&result).expect("a reply");
        assert_eq!((reply.status, reply.body.as_slice()), (201, &b"hi"[..]));
        let headers: Vec<String> = reply
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        assert_eq!(
            headers,
            [
                "X-A: 1",
                "X-B: 1",
                "X-B: 2",
                "Content-Type: application/json"
            ]
        );
    }

    #[test]
    fn a_result_that_api_gateway_refuses_gives_the_reason() {
        for (result, reason) in [
            (json!(null), "returned null"),
            (json!("fine"), "returned \"fine\""),
            (json!({"body": ""}), "statusCode is null"),
            (json!({"statusCode": 99}), "statusCode is 99"),
            (json!({"statusCode": 200, "body": {}}), "JSON.stringify"),
            (
                json!({"statusCode": 200, "body": "?", "isBase64Encoded": true}),
                "not base64",
            ),
        ] {
            let refused = reply(&result).expect_err("refused");
            assert!(refused.contains(reason), "{result}: {refused}");
        }
    }
}
