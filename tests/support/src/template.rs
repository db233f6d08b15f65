//! infra/template.yaml: its resources, functions and routes; the resources of infra/pipeline.yaml.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::{Value, json};

static TEMPLATE: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../../infra/template.yaml");
    expand_tags(serde_yaml_ng::from_str(text).expect("infra/template.yaml is YAML"))
});

/// Route keys of the HTTP API with their functions, the most specific first.
static ROUTES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let routes = of_type("AWS::ApiGatewayV2::Route").filter(|(_, it)| it["ApiId"]["Ref"] == "Api");
    let mut routes: Vec<(String, String)> = routes.map(route).collect();
    let generality = |key: &str| if key == "$default" { 2 } else { u8::from(key.contains("{proxy+}")) };
    let length_of_path = |key: &str| key.split_once(' ').map_or(0, |(_, path)| path.len());
    routes.sort_by_key(|(key, _)| (generality(key), Reverse(length_of_path(key)), key.starts_with("ANY ")));
    routes
});

/// A resource's properties in the template of the pipeline.
pub fn of_pipeline(name: &str) -> Value {
    let text = include_str!("../../../infra/pipeline.yaml");
    let template = expand_tags(serde_yaml_ng::from_str(text).expect("infra/pipeline.yaml is YAML"));
    template["Resources"][name]["Properties"].clone()
}

/// The types of all resources.
pub fn types() -> BTreeSet<&'static str> {
    let resources = TEMPLATE["Resources"].as_object().expect("resources");
    resources.values().map(|it| it["Type"].as_str().expect("a type")).collect()
}

/// The resources of a type: names and properties.
pub fn of_type(kind: &str) -> impl Iterator<Item = (&'static str, &'static Value)> {
    let resources = TEMPLATE["Resources"].as_object().expect("resources");
    let kind = kind.to_owned();
    resources
        .iter()
        .filter(move |(_, it)| it["Type"] == kind.as_str())
        .map(|(name, it)| (name.as_str(), &it["Properties"]))
}

/// A resource, with its type and its dependencies.
pub fn resource(name: &str) -> &'static Value {
    &TEMPLATE["Resources"][name]
}

/// A resource's properties.
pub fn properties(name: &str) -> &'static Value {
    &TEMPLATE["Resources"][name]["Properties"]
}

/// The defaults of all functions.
pub fn globals() -> &'static Value {
    &TEMPLATE["Globals"]["Function"]
}

/// The assertions on the parameters.
pub fn rules() -> &'static Value {
    &TEMPLATE["Rules"]
}

/// The value of an output.
pub fn output(name: &str) -> &'static Value {
    &TEMPLATE["Outputs"][name]["Value"]
}

pub fn parameters() -> &'static Value {
    &TEMPLATE["Parameters"]
}

/// The functions: binary names, with the names of their resources.
pub fn functions() -> BTreeMap<&'static str, &'static str> {
    let resources = TEMPLATE["Resources"].as_object().expect("resources");
    let functions = resources.iter().filter(|(_, it)| it["Type"] == "AWS::Serverless::Function");
    let binary = |it: &'static Value| it["Metadata"]["BuildProperties"]["Binary"].as_str().expect("a binary");
    functions.map(|(name, it)| (binary(it), name.as_str())).collect()
}

/// The route keys, each with its function's binary.
pub fn routes() -> &'static [(String, String)] {
    &ROUTES
}

/// The function that API Gateway invokes for a request of this method and path.
pub fn function_for(method: &str, path: &str) -> &'static str {
    &matching(method, path).1
}

/// The key of the route that matches this method and path.
pub fn route_for(method: &str, path: &str) -> &'static str {
    &matching(method, path).0
}

/// The most specific route wins. A key is a method and a path, or `$default`.
fn matching(method: &str, path: &str) -> &'static (String, String) {
    let matches = |key: &str| match key.split_once(' ') {
        None => key == "$default",
        Some((expected, route)) => ["ANY", method].contains(&expected) && matches_path(route, path),
    };
    ROUTES.iter().find(|(key, _)| matches(key)).expect("$default matches every request")
}

/// `{proxy+}` stands for one or more segments, any other placeholder for one.
fn matches_path(route: &str, path: &str) -> bool {
    let (mut route, mut path) = (route.split('/'), path.split('/'));
    loop {
        match (route.next(), path.next()) {
            (None, None) => return true,
            (Some("{proxy+}"), Some(segment)) => return !segment.is_empty() || path.next().is_some(),
            (Some(placeholder), Some(segment)) if placeholder.starts_with('{') && !segment.is_empty() => {}
            (Some(expected), Some(segment)) if expected == segment => {}
            _ => return false,
        }
    }
}

fn route((name, it): (&'static str, &'static Value)) -> (String, String) {
    let key = it["RouteKey"].as_str().unwrap_or_else(|| panic!("{name} has no key"));
    let target = it["Target"]["Fn::Sub"].as_str().unwrap_or_else(|| panic!("{name} has no target"));
    let integration = target.trim_start_matches("integrations/${").trim_end_matches('}');
    let function = properties(integration)["IntegrationUri"]["Fn::GetAtt"].as_str().expect("an integration's function");
    let function = function.trim_end_matches(".Arn");
    let binary = functions().into_iter().find(|(_, its)| *its == function).expect("a function").0;
    (key.to_owned(), binary.to_owned())
}

/// Expands short forms of CloudFormation's functions: `!Ref X` becomes `{"Ref": "X"}`.
fn expand_tags(yaml: serde_yaml_ng::Value) -> Value {
    use serde_yaml_ng::Value as Yaml;
    match yaml {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                name @ ("Ref" | "Condition") => name.to_owned(),
                name => format!("Fn::{name}"),
            };
            json!({ name: expand_tags(tagged.value) })
        }
        Yaml::Sequence(list) => list.into_iter().map(expand_tags).collect(),
        Yaml::Mapping(map) => {
            let key = |key: Yaml| key.as_str().expect("keys are texts").to_owned();
            map.into_iter().map(|(name, it)| (key(name), expand_tags(it))).collect()
        }
        other => serde_json::to_value(other).expect("a scalar"),
    }
}
