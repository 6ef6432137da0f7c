// Error documents of real servers. Rules:
//
// - `description()` is the server's text, whatever the shape of the document. It is empty where the
//   server only sent an error code, such as {"error":"invalid_client"}.
// - `oauth_error()` is the server's error code. An `error` that is a sentence or a title, such as
//   "Service Unavailable", is both code and description.
// - `is_authentication_failure()` is true for status 401, unless an OAuth error means something
// else,
//   and for codes and texts about invalid credentials. Status 403 with a text is about permissions,
//   unless the text says that they are wrong.
// - A success status with a document that says that it failed is an OAuth error.

#include "response_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(error_documents)

namespace
{

struct shape
{
    char const* name;
    unsigned status;
    char const* type;
    std::string body;
    char const* outcome;
    // Part of the description; empty: there is no description.
    char const* description;
    char const* oauth_error;
    bool authentication_failure;
};

constexpr char const* json = "application/json";
constexpr char const* html = "text/html";
constexpr char const* plain = "text/plain";
constexpr char const* xml = "text/xml";
constexpr char const* form = "application/x-www-form-urlencoded";

std::vector<shape> const shapes = {
    {"RFC 6749", 401, json, R"({"error":"invalid_client","error_description":"Bad secret."})",
     "invalid_client", "Bad secret.", "invalid_client", true},
    {"code alone", 400, json, R"({"error":"invalid_scope"})", "invalid_scope", "", "invalid_scope",
     false},
    {"SMS.CX", 401, json,
     R"({"error":{"type":"invalid_client","code":1600,"message":"No client.","uri":"https://x"}})",
     "invalid_client", "No client.", "invalid_client", true},
    {"UAA", 401, json, R"({"error":"unauthorized","error_description":"Bad credentials"})",
     "other_oauth_error", "Bad credentials", "unauthorized", true},
    {"XSUAA without a description", 401, json, R"({"error":"unauthorized"})", "other_oauth_error",
     "", "unauthorized", true},
    {"Okta", 401, json,
     R"({"errorCode":"E0000011","errorSummary":"Invalid token provided","errorLink":"E0000011",)"
     R"("errorId":"oae","errorCauses":[]})",
     "http_error", "Invalid token provided", "E0000011", true},
    {"Okta, cause", 400, json,
     R"({"errorCode":"E0000001","errorCauses":[{"errorSummary":"scope: not known"}]})",
     "http_error", "scope: not known", "E0000001", false},
    {"Apigee fault", 401, json,
     R"({"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"oauth.v2.InvalidApiKey"}}})",
     "http_error", "Invalid ApiKey", "oauth.v2.InvalidApiKey", true},
    {"Apigee fault, 500", 500, json,
     R"({"fault":{"faultstring":"Policy failed","detail":{"errorcode":"steps.oauth.Failed"}}})",
     "http_error", "Policy failed", "steps.oauth.Failed", false},
    {"Apigee", 401, json, R"({"ErrorCode":"invalid_client","Error":"ClientId is Invalid"})",
     "invalid_client", "ClientId is Invalid", "invalid_client", true},
    {"Auth0, wrong secret", 401, json,
     R"({"error":"access_denied","error_description":"Unauthorized"})", "access_denied",
     "Unauthorized", "access_denied", true},
    {"Auth0, 429", 429, json,
     R"({"error":"too_many_requests","error_description":"Global limit has been reached"})",
     "rate_limited", "Global limit has been reached", "too_many_requests", false},
    {"Auth0, 429 with a title", 429, json,
     R"({"statusCode":429,"error":"Too Many Requests","message":"Global limit","errorCode":"too_many"})",
     "rate_limited", "Global limit", "too_many", false},
    {"AWS API Gateway", 403, json, R"({"message":"Forbidden"})", "http_error", "Forbidden", "",
     false},
    {"AWS API Gateway, capital", 403, json, R"({"Message":"User is not authorized"})", "http_error",
     "User is not authorized", "", false},
    {"AWS Cognito", 400, "application/x-amz-json-1.1",
     R"({"__type":"NotAuthorizedException","message":"Client is disabled."})", "http_error",
     "Client is disabled.", "NotAuthorizedException", true},
    {"AWS XML", 403, xml,
     "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>"
     "<Message>The security token is invalid.</Message></Error></ErrorResponse>",
     "http_error", "The security token is invalid.", "InvalidClientTokenId", true},
    {"Kong", 401, json, R"({"message":"Invalid authentication credentials","request_id":"7"})",
     "http_error", "Invalid authentication credentials", "", true},
    {"Azure API Management", 401, json,
     R"({"statusCode":401,"message":"Access denied due to missing subscription key."})",
     "http_error", "missing subscription key", "", true},
    {"Entra", 401, json,
     R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret.",)"
     R"("error_codes":[7000215],"correlation_id":"c-1"})",
     "invalid_client", "AADSTS7000215", "invalid_client", true},
    {"Keycloak", 401, json,
     R"({"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"})",
     "unauthorized_client", "Invalid client or", "unauthorized_client", true},
    {"Keycloak, realm", 404, json, R"({"error":"Realm does not exist"})", "http_error",
     "Realm does not exist", "Realm does not exist", false},
    {"PingFederate", 400, json,
     R"({"code":"INVALID_DATA","message":"The request failed.","details":[{"message":"scope"}]})",
     "http_error", "The request failed.", "INVALID_DATA", false},
    {"Salesforce", 400, json,
     R"({"error":"invalid_client_id","error_description":"client identifier invalid"})",
     "other_oauth_error", "client identifier invalid", "invalid_client_id", true},
    {"Salesforce REST", 401, json,
     R"([{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}])", "http_error",
     "Session expired or invalid", "INVALID_SESSION_ID", true},
    {"Google", 401, json,
     R"({"error":{"code":401,"message":"Request had invalid credentials.","status":"UNAUTHENTICATED",)"
     R"("errors":[{"message":"Inner","domain":"global","reason":"authError"}]}})",
     "http_error", "Request had invalid credentials.", "UNAUTHENTICATED", true},
    {"Google, deleted client", 400, json,
     R"({"error":"deleted_client","error_description":"The OAuth client was deleted."})",
     "other_oauth_error", "The OAuth client was deleted.", "deleted_client", true},
    {"GitHub", 200, json,
     R"({"error":"incorrect_client_credentials","error_description":"The client_id is incorrect."})",
     "other_oauth_error", "The client_id is incorrect.", "incorrect_client_credentials", true},
    {"GitHub, form", 200, form,
     "error=incorrect_client_credentials&error_description=The+client_id+is+incorrect.&error_uri=u",
     "other_oauth_error", "The client_id is incorrect.", "incorrect_client_credentials", true},
    {"form with status 400", 400, form,
     "error=invalid_grant&error_description=Code%20has%20expired", "invalid_grant",
     "Code has expired", "invalid_grant", false},
    {"Slack", 200, json, R"({"ok":false,"error":"invalid_client_secret"})", "other_oauth_error", "",
     "invalid_client_secret", true},
    {"Slack, client id", 200, json, R"({"ok":false,"error":"bad_client_id"})", "other_oauth_error",
     "", "bad_client_id", true},
    {"success false", 200, json, R"({"success":false,"message":"Wrong client secret"})",
     "other_oauth_error", "Wrong client secret", "", true},
    {"WeChat", 200, json, R"({"errcode":40125,"errmsg":"invalid appsecret"})", "other_oauth_error",
     "invalid appsecret", "", true},
    {"Lark", 200, json, R"({"code":10014,"msg":"app secret invalid"})", "other_oauth_error",
     "app secret invalid", "", true},
    {"Stripe", 401, json,
     R"({"error":{"message":"Invalid API Key provided: sk_1","type":"invalid_request_error"}})",
     "other_oauth_error", "Invalid API Key provided", "invalid_request_error", true},
    {"Twilio", 401, json,
     R"({"code":20003,"message":"Authenticate","more_info":"https://x/20003","status":401})",
     "http_error", "Authenticate", "", true},
    {"Shopify", 401, json, R"({"errors":"[API] Invalid API key or access token"})", "http_error",
     "[API] Invalid API key", "", true},
    {"Facebook", 400, json,
     R"({"error":{"message":"Error validating client secret.","type":"OAuthException","code":1}})",
     "other_oauth_error", "Error validating client secret.", "OAuthException", true},
    {"Instagram", 400, json,
     R"({"error_type":"OAuthException","code":400,"error_message":"Invalid client_id"})",
     "http_error", "Invalid client_id", "OAuthException", true},
    {"PayPal", 401, json,
     R"({"name":"AUTHENTICATION_FAILURE","message":"Authentication failed due to a bad header."})",
     "http_error", "Authentication failed", "AUTHENTICATION_FAILURE", true},
    {"problem details", 400, "application/problem+json",
     R"({"type":"https://x/busy","title":"Bad","detail":"No scope here.","status":400})",
     "http_error", "No scope here.", "", false},
    {"problem details, title", 400, "application/problem+json",
     R"({"type":"about:blank","title":"Bad Request"})", "http_error", "Bad Request", "", false},
    {"JSON:API", 401, "application/vnd.api+json",
     R"({"errors":[{"status":"401","code":"not_signed","title":"No","detail":"Not signed in"}]})",
     "http_error", "Not signed in", "not_signed", true},
    {"GraphQL", 400, json, R"({"errors":[{"message":"Field is missing"}],"data":null})",
     "http_error", "Field is missing", "", false},
    {"OData", 400, json,
     R"({"error":{"code":"BadRequest","message":{"lang":"en","value":"Query is wrong"}}})",
     "http_error", "Query is wrong", "BadRequest", false},
    {"JSend", 400, json, R"({"status":"fail","data":{"message":"No such thing"}})", "http_error",
     "No such thing", "", false},
    {"Spring", 503, json,
     R"({"timestamp":"t","status":503,"error":"Service Unavailable","path":"/oauth/token"})",
     "http_error", "Service Unavailable", "Service Unavailable", false},
    {"Spring Security", 401, json,
     R"({"timestamp":"t","status":401,"error":"Unauthorized","message":"Full authentication is required"})",
     "http_error", "Full authentication is required", "Unauthorized", true},
    {"Rails", 500, json, R"({"status":500,"error":"Internal Server Error"})", "http_error",
     "Internal Server Error", "Internal Server Error", false},
    {"NestJS", 401, json, R"({"statusCode":401,"message":"Unauthorized"})", "http_error",
     "Unauthorized", "", true},
    {"NestJS, validation", 400, json,
     R"({"statusCode":400,"message":["scope must be a string","scope is long"],"error":"Bad Request"})",
     "http_error", "scope must be a string; scope is long", "Bad Request", false},
    {"Fastify", 401, json,
     R"({"statusCode":401,"code":"FST_JWT","error":"Unauthorized","message":"No Authorization"})",
     "http_error", "No Authorization", "FST_JWT", true},
    {"Django", 403, json, R"({"detail":"You do not have permission."})", "http_error",
     "You do not have permission.", "", false},
    {"Django, field", 400, json, R"({"scope":["This field is required."]})", "http_error",
     "This field is required.", "", false},
    {"message in a list of strings", 400, json, R"({"errors":["Bad scope","Bad time"]})",
     "http_error", "Bad scope; Bad time", "", false},
    {"a JSON string", 401, json, R"("No access")", "http_error", "No access", "", true},
    {"byte order mark", 400, json,
     "\xEF\xBB\xBF"
     R"({"error":"invalid_scope","error_description":"No scope"})",
     "invalid_scope", "No scope", "invalid_scope", false},
    {"SOAP 1.1", 500, xml,
     "<soap:Envelope><soap:Body><soap:Fault><faultcode>soap:Server</faultcode>"
     "<faultstring xml:lang=\"en\">Policy &amp; rule failed</faultstring></soap:Fault></soap:Body>"
     "</soap:Envelope>",
     "http_error", "Policy & rule failed", "soap:Server", false},
    {"SOAP 1.2", 500, xml,
     "<e:Envelope><e:Body><e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code><e:Reason>"
     "<e:Text>Not understood</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>",
     "http_error", "Not understood", "", false},
    {"XML with CDATA", 400, "application/xml",
     "<?xml version=\"1.0\"?><error><code>E7</code><message><![CDATA[Bad <b> "
     "thing]]></message></error>",
     "http_error", "Bad", "E7", false},
    {"nginx", 502, html,
     "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad "
     "Gateway</h1></center><hr><center>nginx</center></body></html>",
     "http_error", "502 Bad Gateway", "", false},
    {"Apache", 401, html,
     "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>401 "
     "Unauthorized</title>\n</head><body><h1>Unauthorized</h1></body></html>",
     "http_error", "401 Unauthorized", "", true},
    {"IIS", 401, html,
     "<html><head><title>401 - Unauthorized: Access is denied due to invalid "
     "credentials.</title></head></html>",
     "http_error", "Access is denied due to invalid credentials", "", true},
    {"Tomcat", 404, html,
     "<!doctype html><html lang=\"en\"><head><title>HTTP Status 404 &ndash; Not "
     "Found</title><style>h1 {a:b}</style></head></html>",
     "http_error", "HTTP Status 404 \xE2\x80\x93 Not Found", "", false},
    {"HAProxy", 503, html,
     "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this "
     "request.\n</body></html>",
     "http_error", "503 Service Unavailable No server is available", "", false},
    {"Cloudflare", 522, html,
     "<!DOCTYPE html><html><head><title>as.example | 522: Connection timed "
     "out</title></head><body><script>var a = 'hidden';</script></body></html>",
     "http_error", "522: Connection timed out", "", false},
    {"a page without a title", 503, html,
     "<style>p{}</style><script>hidden()</script><div>Down for <b>maintenance</b></div>",
     "http_error", "Down for maintenance", "", false},
    {"a login page", 200, html, "<html><head><title>Sign in</title></head></html>",
     "malformed_response", "Sign in", "", false},
    {"Envoy", 503, plain, "upstream connect error or disconnect/reset before headers", "http_error",
     "upstream connect error", "", false},
    {"plain text", 404, plain, "default backend - 404\n", "http_error", "default backend - 404", "",
     false},
    {"plain text, no type", 400, "", "Bad client credentials", "http_error",
     "Bad client credentials", "", true},
    {"cut JSON", 502, json, R"({"message":"Gateway)", "http_error", "Gateway", "", false},
    {"Ory Hydra", 401, json,
     R"({"error":"invalid_client","error_description":"Client auth failed.","error_hint":"h",)"
     R"("status_code":401})",
     "invalid_client", "Client auth failed.", "invalid_client", true},
    {"OneLogin", 401, json,
     R"({"status":{"error":true,"code":401,"type":"Unauthorized","message":"Authentication Failure"}})",
     "http_error", "Authentication Failure", "", true},
    {"Zoom", 400, json,
     R"({"reason":"Invalid client_id or client_secret","error":"invalid_client"})",
     "invalid_client", "Invalid client_id or", "invalid_client", true},
    {"HubSpot", 400, json,
     R"({"status":"BAD_CLIENT_ID","message":"missing or unknown client id","correlationId":"x"})",
     "http_error", "missing or unknown client id", "BAD_CLIENT_ID", true},
    {"Square", 401, json,
     R"({"errors":[{"category":"AUTHENTICATION_ERROR","code":"UNAUTHORIZED","detail":"No token"}]})",
     "http_error", "No token", "UNAUTHORIZED", true},
    {"Fitbit", 401, json,
     R"({"errors":[{"errorType":"invalid_client","message":"Invalid header"}],"success":false})",
     "invalid_client", "Invalid header", "invalid_client", true},
    {"Tencent", 200, json,
     R"({"Response":{"Error":{"Code":"AuthFailure.SecretIdNotFound","Message":"No SecretId"}}})",
     "other_oauth_error", "No SecretId", "AuthFailure.SecretIdNotFound", true},
    {"Huawei", 400, json,
     R"({"sub_error":20152,"error_description":"invalid secret","error":1101})", "http_error",
     "invalid secret", "", true},
    {"Yahoo", 401, json,
     R"({"error":{"localizedMessage":"bad","errorId":"INVALID_CLIENT","message":"bad client"}})",
     "http_error", "bad client", "INVALID_CLIENT", true},
    {"WSO2", 401, json,
     R"({"fault":{"code":900901,"message":"Invalid Credentials","description":"d"}})", "http_error",
     "Invalid Credentials", "", true},
    {"Tyk", 403, json, R"({"error":"Key not authorised"})", "http_error", "Key not authorised",
     "Key not authorised", true},
    {"IBM", 400, json,
     R"({"errorCode":"BXNIM0415E","errorMessage":"Provided API key could not be found."})",
     "http_error", "Provided API key could not be found.", "BXNIM0415E", true},
    {"Databricks", 403, json, R"({"error_code":"PERMISSION_DENIED","message":"No access"})",
     "http_error", "No access", "PERMISSION_DENIED", false},
    {"Adobe", 403, json, R"({"error_code":"403003","message":"Api Key is invalid"})", "http_error",
     "Api Key is invalid", "", true},
    {"ServiceNow", 401, json, R"({"error_description":"access_denied","error":"server_error"})",
     "server_error", "access_denied", "server_error", true},
    {"Elasticsearch", 401, json,
     R"({"error":{"root_cause":[{"type":"security_exception","reason":"missing"}],)"
     R"("type":"security_exception","reason":"missing credentials"},"status":401})",
     "other_oauth_error", "missing credentials", "security_exception", true},
    {"Vault", 403, json, R"({"errors":["permission denied"]})", "http_error", "permission denied",
     "", false},
    {"Kubernetes", 401, json,
     R"({"kind":"Status","status":"Failure","message":"Unauthorized","code":401})", "http_error",
     "Unauthorized", "", true},
    {"gRPC gateway", 401, json, R"({"code":16,"message":"invalid credentials","details":[]})",
     "http_error", "invalid credentials", "", true},
    {"FastAPI", 422, json,
     R"({"detail":[{"loc":["body","client_id"],"msg":"field required","type":"value_error"}]})",
     "http_error", "field required", "value_error", false},
    {"Laravel, fields", 422, json,
     R"({"errors":{"client_id":["The client id field is required."]}})", "http_error",
     "The client id field is required.", "", false},
    {"Phoenix", 401, json, R"({"errors":{"detail":"Unauthorized"}})", "http_error", "Unauthorized",
     "", true},
    {"Infobip", 401, json,
     R"({"requestError":{"serviceException":{"messageId":"UNAUTHORIZED","text":"Invalid login details"}}})",
     "http_error", "Invalid login details", "", true},
    {"error true with a success", 200, json,
     R"({"error":true,"message":"Client credentials are invalid"})", "other_oauth_error",
     "Client credentials are invalid", "", true},
    {"status fail with a success", 200, json,
     R"({"status":"fail","message":"Wrong client secret"})", "other_oauth_error",
     "Wrong client secret", "", true},
    {"another status in a success", 200, json,
     R"({"statusCode":401,"message":"Unauthorized","data":null})", "other_oauth_error",
     "Unauthorized", "", true},
    {"a success that is none", 200, json, R"({"status":"ok","message":"Welcome"})",
     "malformed_response", "Welcome", "", false},
    {"success as text", 200, json, R"({"success":"false","message":"Wrong client secret"})",
     "other_oauth_error", "Wrong client secret", "", true},
    {"success 0", 200, json, R"({"success":0,"message":"Wrong client secret"})",
     "other_oauth_error", "Wrong client secret", "", true},
    {"retcode", 200, json, R"({"retcode":401,"retmsg":"invalid app secret"})", "other_oauth_error",
     "invalid app secret", "", true},
    {"X", 403, json, R"({"errors":[{"code":99,"message":"Unable to verify your credentials"}]})",
     "http_error", "Unable to verify your credentials", "", true},
    {"the second of a list", 400, json,
     R"({"errors":[{"id":7},{"message":"The given client credentials were not valid"}]})",
     "http_error", "The given client credentials were not valid", "", true},
    {"XML attributes", 400, xml,
     R"(<?xml version="1.0"?><rsp stat="fail"><err code="100" msg="Invalid API Key"/></rsp>)",
     "http_error", "Invalid API Key", "", true},
    {"Express", 404, html,
     "<!DOCTYPE html><html><head><title>Error</title></head><body><pre>Cannot POST "
     "/oauth/token</pre></body></html>",
     "http_error", "Cannot POST /oauth/token", "", false},
    {"a page whose script has a token", 403, html,
     R"(<html><head><title>Attention Required!</title></head><body><script>var csrfToken: "x";)"
     R"(</script><a href="?token=abc">x</a></body></html>)",
     "http_error", "Attention Required!", "", false},
    {"a sentence about a token", 401, plain, "Invalid token: expired", "http_error",
     "Invalid token: expired", "", true},
    {"resultMessage", 400, json, R"({"resultCode":"A_1","resultMessage":"No such scope"})",
     "http_error", "No such scope", "A_1", false},
    {"ISO-8859-1", 400, "application/json;charset=ISO-8859-1",
     "{\"error\":\"invalid_client\",\"error_description\":\"Ung\xFCltig\"}", "invalid_client",
     "Ung\xC3\xBCltig", "invalid_client", true},
    {"text in ISO-8859-1", 400, plain, "Schl\xFCssel fehlt", "http_error", "Schl\xC3\xBCssel fehlt",
     "", false},
    {"a member that is there twice", 400, json,
     R"({"error":"invalid_scope","error":"invalid_scope","error_description":"Bad"})", "http_error",
     R"("error_description":"Bad")", "", false},
    {"more behind the document", 400, json,
     R"({"error":"invalid_scope","error_description":"Bad"}<!-- 7 -->)", "http_error",
     R"("error_description":"Bad")", "", false},
    {"null", 401, json, "null", "http_error", "", "", true},
    {"the code as text", 400, plain, "invalid_client", "http_error", "invalid_client", "", true},
    {"empty 401", 401, json, "", "http_error", "", "", true},
    {"empty 403", 403, json, "", "http_error", "", "", false},
    {"invalid_scope with status 401", 401, json, R"({"error":"invalid_scope"})", "invalid_scope",
     "", "invalid_scope", false},
    {"another word with client in it", 400, json, R"({"error":"invalid_client_metadata"})",
     "other_oauth_error", "", "invalid_client_metadata", false},
    {"a gateway that fails to authenticate", 503, json, R"({"message":"Authentication failed"})",
     "http_error", "Authentication failed", "", false},
    {"403 of a scope", 403, json, R"({"error":"insufficient_scope"})", "insufficient_scope", "",
     "insufficient_scope", false},
};

// Words of an advice that would be untrue where the server says something else.
bool has_untrue_advice(coauth::error const& e)
{
    auto const message = e.message();
    if (contains(message, "without a reason") || contains(message, "gave no reason"))
        return !e.description().empty() || !e.oauth_error().empty();
    bool const invalid_client = e == coauth::errc::invalid_client;
    return contains(message, "check client id") && !invalid_client && !e.description().empty();
}

} // namespace

BOOST_AUTO_TEST_CASE(words_codes_and_authentication_failures)
{
    scripted_server server;
    for (auto const& shape : shapes)
        BOOST_TEST_CONTEXT(shape.name)
        {
            auto const got = server.get_token(document(shape.status, shape.type, shape.body));
            BOOST_TEST_REQUIRE(outcome(got) == shape.outcome);
            auto const& e = got.error();
            std::string const description(e.description());
            BOOST_TEST(contains(description, shape.description), description);
            BOOST_TEST(description.empty() == (shape.description == ""s), description);
            BOOST_TEST(e.oauth_error() == shape.oauth_error);
            BOOST_TEST(e.is_authentication_failure() == shape.authentication_failure);
            BOOST_TEST(e.http_status() == shape.status);
            BOOST_TEST(e.transient() == (shape.status >= 500 || shape.status == 429));
            BOOST_TEST(contains(e.message(), shape.description), e.message());
            BOOST_TEST(!has_untrue_advice(e), e.message());
            BOOST_TEST(!contains(e.message(), "hidden"), e.message());
        }
}

BOOST_AUTO_TEST_CASE(errors_in_header_fields_are_read)
{
    scripted_server server;
    auto challenge = document(401, plain, "");
    challenge.headers.add(
        "WWW-Authenticate", R"(Bearer error="invalid_token", error_description="Key rotated")");
    auto const e = server.get_error(challenge);
    BOOST_TEST(e.oauth_error() == "invalid_token");
    BOOST_TEST(e.description() == "Key rotated");
    auto amazon = document(400, json, R"({"message":"No"})");
    amazon.headers.add("x-amzn-ErrorType", "UnrecognizedClientException:http://x/");
    BOOST_TEST(server.get_error(amazon).oauth_error() == "UnrecognizedClientException");
    BOOST_TEST(server.get_error(amazon).is_authentication_failure());
}

BOOST_AUTO_TEST_CASE(further_members_are_returned_as_json)
{
    scripted_server server;
    auto const e = server.get_error(document(
        400, json,
        R"({"error":"invalid_grant","error_description":"d","error_codes":[50076],"suberror":"basic",)"
        R"("correlation_id":"c-1","claims":"{\"access_token\":{\"capolids\":{}}}","trace":{"id":7},)"
        R"("retry":null,"refresh_token":"hush-1","user":{"password":"hush-2"},"big":")" +
            std::string(5000, 'x') + "\"}"));
    BOOST_TEST(*e.member("error_codes") == "[50076]");
    BOOST_TEST(*e.member("suberror") == "\"basic\"");
    BOOST_TEST(*e.member("correlation_id") == "\"c-1\"");
    BOOST_TEST(*e.member("claims") == R"("{\"access_token\":{\"capolids\":{}}}")");
    BOOST_TEST(*e.member("trace") == R"({"id":7})");
    BOOST_TEST(*e.member("retry") == "null");
    BOOST_TEST(*e.server_code() == 50076);
    for (auto const* name : {"error", "refresh_token", "user", "big", "nothing"})
        BOOST_TEST(!e.member(name).has_value(), name);
    BOOST_TEST(e.members().size() == 6U);
    auto const nested = server.get_error(
        document(400, json, R"({"error":{"type":"x","message":"m","fbtrace_id":"f"}})"));
    BOOST_TEST(*nested.member("fbtrace_id") == "\"f\"");
    auto const numbered =
        server.get_error(document(401, json, R"({"code":20003,"message":"Authenticate"})"));
    BOOST_TEST(*numbered.server_code() == 20003);
}

// A text that may be a token, or hide one, is not shown.
BOOST_AUTO_TEST_CASE(tokens_are_not_shown)
{
    scripted_server server;
    for (auto const& scripted :
         {document(200, plain, "hush-hush"), document(200, json, "\"hush-hush\""),
          document(200, html, "<html>hush-hush</html>"),
          document(200, xml, "<access_token>hush-hush</access_token>"),
          document(200, form, "access_token=hush-hush&error=x"),
          document(500, plain, "refresh_token=hush-hush"),
          document(500, plain, R"({"access_token" : "hush-hush", )"),
          document(500, json, R"({"error":"x","access_token":"hush-hush"})"),
          document(200, json, R"({"data":{"access_token":"hush-hush"}})"),
          document(200, json, R"({"token":"Bearer hush-hush"})"),
          document(500, json, R"({"token":"Bearer hush-hush"})")})
        BOOST_TEST_CONTEXT(scripted.body)
        {
            auto const e = server.get_error(scripted);
            BOOST_TEST(!contains(e.message(), "hush"), e.message());
            for (auto const& member : e.members())
                BOOST_TEST(!contains(member.json, "hush"), member.json);
        }
}

BOOST_AUTO_TEST_SUITE_END()
