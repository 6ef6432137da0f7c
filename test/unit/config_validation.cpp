#include "protocol/config_validation.hpp"

#include <coauth/select_client_authentication.hpp>
#include <coauth/smscx.hpp>

#include "authentication/client_assertion.hpp"
#include "support.hpp"
#include "values/signing_key_data.hpp"

#include <filesystem>

using namespace test;

BOOST_AUTO_TEST_SUITE(config_validation)

using coauth::client_authentication;
using coauth::client_config;
using coauth::protocol::check_config;

namespace
{

using auth = client_authentication;

// Not parsed before it is loaded.
auto const some_key = coauth::signing_key::pem(coauth::secret("no key"));

struct method_case
{
    char const* name;
    std::function<client_authentication(std::string const& id)> make;
};

std::vector<method_case> methods()
{
    coauth::secret const secret("s3cr3t-word");
    auto const key = coauth::signing_key::pem(secret);
    return {
        {"none", [](std::string const& id) { return auth::none(id); }},
        {"basic", [=](std::string const& id) { return auth::client_secret_basic(id, secret); }},
        {"raw basic",
         [=](std::string const& id) { return auth::client_secret_basic_unencoded(id, secret); }},
        {"post", [=](std::string const& id) { return auth::client_secret_post(id, secret); }},
        {"secret JWT", [=](std::string const& id) { return auth::client_secret_jwt(id, secret); }},
        {"key JWT", [=](std::string const& id) { return auth::private_key_jwt(id, key); }},
        {"assertion",
         [=](std::string const& id) { return auth::client_assertion(id, [=] { return secret; }); }},
        {"certificate", [](std::string const& id) { return auth::tls_client_auth(id); }},
        {"own certificate",
         [](std::string const& id) { return auth::self_signed_tls_client_auth(id); }}};
}

coauth::result<coauth::protocol::endpoint> check_method(client_authentication authentication)
{
    auto configuration = config();
    configuration.authentication = std::move(authentication);
    configuration.tls.certificate_file = "client.pem";
    return check_config(configuration);
}

// A change that makes a configuration invalid, and what the message says.
struct config_fault
{
    char const* name;
    void (*change)(client_config&);
    char const* message;
};

config_fault const faults_of_authentication[] = {
    {"authentication unset", [](client_config& c) { c.authentication = auth(); },
     "authentication is not set; use client_authentication::client_secret_basic"},
    {"empty id", [](client_config& c)
     { c.authentication = auth::client_secret_basic("", coauth::secret("s3cr3t-word")); },
     "the client id is empty"},
    {"bearer token with a space",
     [](client_config& c)
     {
         c.authentication =
             auth::bearer_token({}).with_secret(coauth::secret("Bearer s3cr3t-word"));
     },
     "the bearer token contains characters that are not allowed"},
    {"bearer token empty", [](client_config& c) { c.authentication = auth::bearer_token({}); },
     "the bearer token is empty; set a function"},
    {"empty id without secret", [](client_config& c) { c.authentication = auth::none(""); },
     "the client id is empty"},
    {"line break in the id", [](client_config& c)
     { c.authentication = auth::client_secret_basic("id\r\nX: y", coauth::secret("s3cr3t-word")); },
     "the client id contains a control character; check for a line break"},
    {"empty secret",
     [](client_config& c) { c.authentication = auth::client_secret_basic("id", coauth::secret()); },
     "the client secret is empty"},
    {"line break in the secret", [](client_config& c)
     { c.authentication = auth::client_secret_basic("id", coauth::secret("s3cr3t-word\n")); },
     "the client secret contains a control character; check for a line break"},
    {"colon in a raw id",
     [](client_config& c)
     {
         c.authentication =
             auth::client_secret_basic_unencoded("i:d", coauth::secret("s3cr3t-word"));
     },
     "the client id contains a colon, which raw HTTP Basic cannot carry"},
    {"assertion with a line break in its audience",
     [](client_config& c)
     {
         c.authentication = auth::client_secret_jwt(
             "id", coauth::secret("s"), coauth::signature_algorithm::hs256,
             {.audience = "https://as.example/\n"});
     },
     "the audience of assertions contains a control character"},
    {"assertion of no type",
     [](client_config& c)
     {
         c.authentication = auth::client_secret_jwt(
             "id", coauth::secret("s"), coauth::signature_algorithm::hs256, {.type = ""});
     },
     "the type of assertions is empty"},
    {"assertion by an empty secret",
     [](client_config& c) { c.authentication = auth::client_secret_jwt("id", coauth::secret()); },
     "the client secret is empty"},
    {"assertion by no key", [](client_config& c)
     { c.authentication = auth::private_key_jwt("id", coauth::signing_key()); },
     "the signing key is empty; use signing_key::pem_file"},
    {"assertion by nobody",
     [](client_config& c) { c.authentication = auth::client_assertion("id", {}); },
     "the client assertion is empty; set a function that returns one"},
    {"secret by nobody", [](client_config& c)
     { c.authentication = auth::client_secret_post("id", coauth::secret_provider()); },
     "the client secret is empty"},
    {"no certificate", [](client_config& c) { c.authentication = auth::tls_client_auth("id"); },
     "there is no client certificate; set tls.certificate_file or tls.certificate_pem"},
    {"no certificate of its own",
     [](client_config& c) { c.authentication = auth::self_signed_tls_client_auth("id"); },
     "there is no client certificate"},
};

config_fault const faults_of_tls[] = {
    {"two keys of TLS",
     [](client_config& c)
     {
         c.tls.certificate_file = "client.pem";
         c.tls.key_file = "client.key";
         c.tls.key_uri = "pkcs11:token=a";
     },
     "tls.key_uri is set beside another key"},
    {"URI of a key without a certificate", [](client_config& c)
     { c.tls.key_uri = "pkcs11:token=a"; }, "tls.key_uri is set without a certificate"},
    {"two certificates",
     [](client_config& c)
     {
         c.tls.certificate_file = "client.pem";
         c.tls.certificate_pem = "-----BEGIN CERTIFICATE-----";
     },
     "tls.certificate_file and tls.certificate_pem are both set; set one"},
    {"two keys",
     [](client_config& c)
     {
         c.tls.certificate_file = "client.pem";
         c.tls.key_file = "client.key";
         c.tls.key_pem = coauth::secret("s3cr3t-word");
     },
     "tls.key_file and tls.key_pem are both set; set one"},
    {"file of a key alone", [](client_config& c) { c.tls.key_file = "client.key"; },
     "tls.key_file or tls.key_pem is set without a certificate"},
    {"text of a key alone", [](client_config& c) { c.tls.key_pem = coauth::secret("s3cr3t-word"); },
     "tls.key_file or tls.key_pem is set without a certificate"},
    {"key as a path",
     [](client_config& c)
     {
         c.tls.certificate_file = "client.pem";
         c.tls.key_file = "-----BEGIN PRIVATE KEY-----\ns3cr3t-word";
     },
     "tls.key_file is PEM text, not a path; use tls.key_pem"},
    {"certificate as a path",
     [](client_config& c) { c.tls.certificate_file = "-----BEGIN CERTIFICATE-----\ns3cr3t-word"; },
     "tls.certificate_file is PEM text, not a path"},
    {"CA as a path", [](client_config& c) { c.tls.ca_file = "-----BEGIN CERTIFICATE-----"; },
     "tls.ca_file is PEM text, not a path; use tls.ca_pem"},
    {"CA text", [](client_config& c) { c.tls.ca_pem = "/etc/ca.pem"; },
     "tls.ca_pem is not PEM text"},
};

config_fault const faults_of_the_rest[] = {
    {"no endpoint", [](client_config& c) { c.server.token_endpoint.clear(); },
     "server.token_endpoint is empty; set the absolute https:// URL"},
    {"plain http", [](client_config& c) { c.server.token_endpoint = "http://a.example/"; },
     "must begin with https://"},
    {"header limit", [](client_config& c) { c.limits.header = 511; },
     "limits.header is 511 bytes; it must be at least 512"},
    {"body limit", [](client_config& c) { c.limits.body = 63; },
     "limits.body is 63 bytes; it must be at least 64"},
    {"huge limit", [](client_config& c) { c.limits.body = (1U << 30) + 1; },
     "must not be more than 1 GiB"},
    {"no time", [](client_config& c) { c.timeout = 0ms; },
     "timeout is 0 ms; it must be from 1 ms to 1 hour"},
    {"negative time", [](client_config& c) { c.timeout = -5ms; }, "timeout is -5 ms"},
    {"endless time", [](client_config& c) { c.timeout = std::chrono::milliseconds::max(); },
     "it must be from 1 ms to 1 hour"},
    {"line break in the user agent", [](client_config& c) { c.user_agent = "a\r\nX: y"; },
     "user_agent contains a control character"},
    {"no connection", [](client_config& c) { c.connections.max_connections = 0; },
     "connections.max_connections is 0; it must be from 1 to 65535"},
    {"negative idle time", [](client_config& c) { c.connections.idle_timeout = -1ms; },
     "connections.idle_timeout is -1 ms; it must not be negative"},
    {"no head start", [](client_config& c) { c.connections.connection_attempt_delay = 0ms; },
     "connections.connection_attempt_delay is 0 ms; it must be at least 10 ms"},
    {"no attempt", [](client_config& c) { c.retry.max_attempts = 0; },
     "retry.max_attempts is 0; it must be at least 1"},
    {"negative delay", [](client_config& c) { c.retry.initial_back_off = -1ms; },
     "retry.initial_back_off is -1 ms; it must not be negative"},
    {"huge header", [](client_config& c) { c.limits.header = (1U << 30) + 1; },
     "must not be more than 1 GiB"},
    {"many connections", [](client_config& c) { c.connections.max_connections = 65'536; },
     "connections.max_connections is 65536; it must be from 1 to 65535"},
    {"negative lookup lifetime", [](client_config& c) { c.connections.dns_cache_ttl = -1ms; },
     "connections.dns_cache_ttl is -1 ms; it must not be negative"},
    {"negative longest delay", [](client_config& c) { c.retry.max_back_off = -1ms; },
     "retry.max_back_off is -1 ms; it must not be negative"},
    {"negative attempt timeout", [](client_config& c) { c.retry.attempt_timeout = -1ms; },
     "retry.attempt_timeout is -1 ms; it must not be negative"},
    {"negative assumed life", [](client_config& c) { c.server.expires_in.assumed = -1s; },
     "server.expires_in.assumed is -1 s; it must not be negative"},
};

void check_fault(config_fault const& fault)
{
    BOOST_TEST_CONTEXT(fault.name)
    {
        auto changed = config();
        fault.change(changed);
        auto const got = check_config(changed);
        BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
        auto const message = got.error().message();
        check_contains(message, fault.message);
        check_lacks(message, "s3cr3t-word");
        check_lacks(message, "\n");
        BOOST_TEST(got.error().attempts() == 0U);
        BOOST_TEST(!got.error().transient());
    }
}

struct valid_change
{
    char const* name;
    void (*change)(client_config&);
};

valid_change const valid_changes[] = {
    {"as it is", [](client_config&) {}},
    {"smallest limits",
     [](client_config& c)
     {
         c.limits.header = 512;
         c.limits.body = 64;
         c.timeout = 1ms;
     }},
    {"longest time", [](client_config& c) { c.timeout = 1h; }},
    {"no user agent", [](client_config& c) { c.user_agent.clear(); }},
    {"public client", [](client_config& c) { c.authentication = auth::none("id"); }},
    {"colon in an encoded id", [](client_config& c)
     { c.authentication = auth::client_secret_basic("i:d", coauth::secret("s")); }},
    {"secret that a function gives",
     [](client_config& c)
     {
         c.authentication = auth::client_secret_basic(
             "id", []() -> coauth::result<coauth::secret> { return coauth::secret(); });
     }},
    {"secret that signs",
     [](client_config& c)
     {
         c.authentication =
             auth::client_secret_jwt("id", coauth::secret("s"), coauth::signature_algorithm::hs512);
     }},
    {"key that signs",
     [](client_config& c) { c.authentication = auth::private_key_jwt("id", some_key); }},
    {"assertion that says who it is",
     [](client_config& c)
     {
         c.authentication = auth::client_assertion(
             "", []() -> coauth::result<coauth::secret> { return coauth::secret("a"); });
     }},
    {"nobody", [](client_config& c) { c.authentication = auth::anonymous(); }},
    {"certificate",
     [](client_config& c)
     {
         c.authentication = auth::tls_client_auth("id");
         c.tls.certificate_pem = "c";
         c.tls.key_pem = "k";
     }},
    {"CA text", [](client_config& c) { c.tls.ca_pem = "-----BEGIN CERTIFICATE-----"; }},
    {"SMS.CX", [](client_config& c) { c = coauth::smscx::config("id", coauth::secret("s")); }},
};

} // namespace

BOOST_AUTO_TEST_CASE(each_rule_has_its_own_message)
{
    for (auto const& fault : faults_of_authentication)
        check_fault(fault);
    for (auto const& fault : faults_of_tls)
        check_fault(fault);
    for (auto const& fault : faults_of_the_rest)
        check_fault(fault);
}

BOOST_AUTO_TEST_CASE(valid_configurations_are_accepted)
{
    for (auto const& row : valid_changes)
        BOOST_TEST_CONTEXT(row.name)
        {
            auto changed = config();
            row.change(changed);
            BOOST_TEST(outcome(check_config(changed)) == "success");
        }
}

BOOST_AUTO_TEST_CASE(most_methods_need_a_client_id)
{
    for (auto const& method : methods())
        BOOST_TEST_CONTEXT(method.name)
        {
            BOOST_TEST(outcome(check_method(method.make("id"))) == "success");
            auto const broken = check_method(method.make("id\n"));
            BOOST_TEST_REQUIRE(outcome(broken) == "invalid_configuration");
            check_contains(broken.error().message(), "the client id contains a control character");
            auto const without = check_method(method.make(""));
            // An assertion may contain the client id, and a server may know it by its secret.
            if (method.name == "assertion"sv || method.name == "post"sv)
            {
                BOOST_TEST(outcome(without) == "success");
                continue;
            }
            BOOST_TEST_REQUIRE(outcome(without) == "invalid_configuration");
            check_contains(
                without.error().message(),
                "the client id is empty; set the one that the server issued");
        }
}

BOOST_AUTO_TEST_CASE(a_secret_signs_by_hmac_only)
{
    for (auto const* name :
         {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
          "ES384", "ES512", "EdDSA"})
        BOOST_TEST_CONTEXT(name)
        {
            auto const got = check_method(client_authentication::client_secret_jwt(
                "id", coauth::secret("s3cr3t-word"), *coauth::parse_signature_algorithm(name)));
            check_contains(
                got ? "HS: success" : got.error().message(),
                name[0] == 'H' ? "success"
                               : "a client secret signs by HS256, HS384 or HS512, not "s + name +
                                     "; use private_key_jwt");
        }
}

BOOST_AUTO_TEST_CASE(durations_have_limits)
{
    using std::chrono::milliseconds;
    auto const one_hour = milliseconds(3'600'000);
    struct row
    {
        char const* name;
        std::function<milliseconds&(client_config&)> time;
        milliseconds least = 0ms;
        milliseconds most = milliseconds::max();
    };
    for (auto const& row :
         std::vector<row>{
             {"timeout", [](auto& c) -> auto& { return c.timeout; }, 1ms, one_hour},
             {"connections.idle_timeout",
              [](auto& c) -> auto& { return c.connections.idle_timeout; }},
             {"connections.connection_attempt_delay",
              [](auto& c) -> auto& { return c.connections.connection_attempt_delay; }, 10ms},
             {"connections.max_age", [](auto& c) -> auto& { return c.connections.max_age; }},
             {"connections.hedging_delay",
              [](auto& c) -> auto& { return c.connections.hedging_delay; }, 10ms},
             {"connections.dns_cache_ttl",
              [](auto& c) -> auto& { return c.connections.dns_cache_ttl; }},
             {"retry.initial_back_off", [](auto& c) -> auto& { return c.retry.initial_back_off; }},
             {"retry.max_back_off", [](auto& c) -> auto& { return c.retry.max_back_off; }},
             {"retry.attempt_timeout", [](auto& c) -> auto& { return c.retry.attempt_timeout; }}})
        for (auto const value :
             {milliseconds::min(), -1ms, 0ms, 1ms, row.least - 1ms, row.least, one_hour + 1ms,
              milliseconds::max()})
            BOOST_TEST_CONTEXT(row.name << " " << value.count())
            {
                auto changed = config();
                row.time(changed) = value;
                auto const got = check_config(changed);
                bool const good = value >= row.least && value <= row.most;
                BOOST_TEST(outcome(got) == (good ? "success" : "invalid_configuration"));
                if (!good)
                    check_contains(
                        got.error().message(),
                        row.name + " is "s + std::to_string(value.count()) + " ms; it must ");
            }
    for (auto const value : {0s, std::chrono::seconds::max()})
    {
        auto changed = config();
        changed.server.expires_in.assumed = value;
        BOOST_TEST(outcome(check_config(changed)) == "success");
    }
}

// `std::getenv` returns a null pointer for an unset variable.
BOOST_AUTO_TEST_CASE(null_pointers_are_reported_as_missing)
{
    char const* const unset = nullptr;
    auto const key = coauth::signing_key::pem("a key");
    auto const provider = [] { return coauth::secret("s3cr3t-word"); };
    struct row
    {
        client_authentication authentication;
        char const* missing;
    };
    for (auto const& [authentication, missing] : std::vector<row>{
             {auth::client_secret_basic(unset, "s"), "client id"},
             {auth::client_secret_basic(unset, provider), "client id"},
             {auth::client_secret_basic("id", unset), "client secret"},
             {auth::client_secret_basic_unencoded(unset, "s"), "client id"},
             {auth::client_secret_basic_unencoded(unset, provider), "client id"},
             {auth::client_secret_basic_unencoded("id", unset), "client secret"},
             {auth::client_secret_post("id", unset), "client secret"},
             {auth::client_secret_jwt(unset, "s"), "client id"},
             {auth::client_secret_jwt(unset, provider), "client id"},
             {auth::client_secret_jwt("id", unset), "client secret"},
             {auth::private_key_jwt(unset, key), "client id"},
             {auth::tls_client_auth(unset), "client id"},
             {auth::self_signed_tls_client_auth(unset), "client id"},
             {auth::none(unset), "client id"}})
    {
        auto const got = check_method(authentication);
        BOOST_REQUIRE(!got);
        check_contains(got.error().message(), "authentication: the "s + missing + " is empty");
    }
    BOOST_TEST(auth::client_assertion(unset, provider).client_id().empty());
    BOOST_TEST(outcome(coauth::select_client_authentication({}, unset, {"s"})) == "success");
}

// Everything that converts to a string is accepted.
BOOST_AUTO_TEST_CASE(strings_of_many_types_are_accepted)
{
    std::string const id = "id";
    char text[] = "id";
    std::filesystem::path const path("id");
    for (auto const& authentication :
         {auth::none("id"), auth::none(id), auth::none(std::string(id)), auth::none(text),
          auth::none(path)})
        BOOST_TEST(authentication.client_id() == "id");
    BOOST_TEST(auth::none({}).client_id().empty());
    BOOST_TEST(
        coauth::detail::signing_key_access::data(coauth::signing_key::pem_file(path))->path ==
        "id");
}

BOOST_AUTO_TEST_CASE(validation_returns_the_token_endpoint)
{
    auto const got = check_config(config());
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST(got->host == "as.example.com");
    BOOST_TEST(got->target == "/oauth/token");
}

BOOST_AUTO_TEST_CASE(a_client_with_a_certificate_uses_the_mtls_aliases)
{
    using enum coauth::protocol::endpoint_kind;
    auto changed = config();
    changed.server.introspection_endpoint = "https://as.example.com/i";
    changed.server.revocation_endpoint = "https://as.example.com/r";
    changed.server.mtls_endpoint_aliases = {"https://mtls/t", "https://mtls/i", ""};
    BOOST_TEST(endpoint_url_for(changed, token) == "https://as.example.com/oauth/token");
    changed.tls.certificate_file = "c";
    BOOST_TEST(endpoint_url_for(changed, token) == "https://mtls/t");
    BOOST_TEST(endpoint_url_for(changed, introspection) == "https://mtls/i");
    BOOST_TEST(endpoint_url_for(changed, revocation) == "https://as.example.com/r");
}

BOOST_AUTO_TEST_CASE(the_key_is_loaded_if_the_method_signs)
{
    using coauth::detail::load_key;
    auto changed = config();
    BOOST_TEST((load_key(changed) == nullptr));
    changed.authentication = client_authentication::private_key_jwt("id", some_key);
    check_contains(
        load_key(changed)->current().error().message(),
        "authentication: the signing key holds no PEM");
}

BOOST_AUTO_TEST_SUITE_END()
