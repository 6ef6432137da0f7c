#include "protocol/validate.hpp"

#include <coauth/smscx.hpp>

#include "support.hpp"

using namespace test;
using coauth::client_authentication;
using coauth::client_config;
using coauth::protocol::check_config;

namespace
{

// It is not looked at before it is loaded.
auto const some_key = coauth::signing_key::pem(coauth::secret("no key"));

} // namespace

BOOST_AUTO_TEST_SUITE(validate)

BOOST_AUTO_TEST_CASE(each_rule_has_its_own_message)
{
    struct row
    {
        char const* name;
        std::function<void(client_config&)> change;
        char const* message;
    };
    using who = client_authentication;
    for (auto const& row :
         std::vector<row>{
             {"no endpoint", [](client_config& c) { c.server.token_endpoint.clear(); },
              "server.token_endpoint is empty; give the absolute https:// URL"},
             {"plain http", [](client_config& c) { c.server.token_endpoint = "http://a.example/"; },
              "must begin with https://"},
             {"authentication unset", [](client_config& c) { c.authentication = who(); },
              "authentication is not set; use client_authentication::client_secret_basic"},
             {"empty id", [](client_config& c)
              { c.authentication = who::client_secret_post("", coauth::secret("s3cr3t-word")); },
              "the client id is empty"},
             {"empty id without secret", [](client_config& c) { c.authentication = who::none(""); },
              "the client id is empty"},
             {"line break in the id",
              [](client_config& c)
              {
                  c.authentication =
                      who::client_secret_basic("id\r\nX: y", coauth::secret("s3cr3t-word"));
              },
              "the client id contains a control character; check for a line break"},
             {"empty secret", [](client_config& c)
              { c.authentication = who::client_secret_basic("id", coauth::secret()); },
              "the client secret is empty"},
             {"line break in the secret",
              [](client_config& c)
              {
                  c.authentication =
                      who::client_secret_basic("id", coauth::secret("s3cr3t-word\n"));
              },
              "the client secret contains a control character; check for a line break"},
             {"colon in a raw id",
              [](client_config& c)
              {
                  c.authentication =
                      who::client_secret_basic_raw("i:d", coauth::secret("s3cr3t-word"));
              },
              "the client id contains a colon, which raw HTTP Basic cannot carry"},
             {"header limit", [](client_config& c) { c.limits.header = 511; },
              "limits.header is 511 bytes; it must be at least 512"},
             {"body limit", [](client_config& c) { c.limits.body = 63; },
              "limits.body is 63 bytes; it must be at least 64"},
             {"huge limit", [](client_config& c) { c.limits.body = (1U << 30) + 1; },
              "must not be more than 1 GiB"},
             {"CA text", [](client_config& c) { c.tls.ca_pem = "/etc/ca.pem"; },
              "tls.ca_pem is not PEM text"},
             {"no time", [](client_config& c) { c.timeout = 0ms; },
              "timeout is 0 ms; it must be from 1 ms to 1 hour"},
             {"negative time", [](client_config& c) { c.timeout = -5ms; }, "timeout is -5 ms"},
             {"endless time", [](client_config& c)
              { c.timeout = std::chrono::milliseconds::max(); }, "it must be from 1 ms to 1 hour"},
             {"line break in the user agent", [](client_config& c) { c.user_agent = "a\r\nX: y"; },
              "user_agent contains a control character"},
             {"no connection", [](client_config& c) { c.connections.max_connections = 0; },
              "connections.max_connections is 0; it must be from 1 to 65535"},
             {"negative idle time", [](client_config& c) { c.connections.idle_timeout = -1ms; },
              "connections.idle_timeout and lookup_lifetime must not be negative"},
             {"no head start", [](client_config& c) { c.connections.connect_stagger = 0ms; },
              "connections.connect_stagger must be at least 10 ms"},
             {"no attempt", [](client_config& c) { c.retry.max_attempts = 0; },
              "retry.max_attempts is 0; it must be at least 1"},
             {"negative delay", [](client_config& c) { c.retry.first_delay = -1ms; },
              "retry.first_delay, max_delay and attempt_timeout must not be negative"},
             {"huge header", [](client_config& c) { c.limits.header = (1U << 30) + 1; },
              "must not be more than 1 GiB"},
             {"many connections", [](client_config& c) { c.connections.max_connections = 65'536; },
              "connections.max_connections is 65536; it must be from 1 to 65535"},
             {"negative lookup lifetime",
              [](client_config& c) { c.connections.lookup_lifetime = -1ms; },
              "connections.idle_timeout and lookup_lifetime must not be negative"},
             {"negative longest delay", [](client_config& c) { c.retry.max_delay = -1ms; },
              "retry.first_delay, max_delay and attempt_timeout must not be negative"},
             {"negative attempt timeout", [](client_config& c) { c.retry.attempt_timeout = -1ms; },
              "retry.first_delay, max_delay and attempt_timeout must not be negative"},
             {"no certificate", [](client_config& c)
              { c.authentication = who::tls_client_auth("id"); }, "there is no client certificate"},
             {"no certificate of one's own",
              [](client_config& c) { c.authentication = who::self_signed_tls_client_auth("id"); },
              "there is no client certificate"},
             {"key file without certificate", [](client_config& c) { c.tls.key_file = "k"; },
              "tls.key_file or key_pem is given without a certificate"},
             {"key text without certificate", [](client_config& c) { c.tls.key_pem = "k"; },
              "tls.key_file or key_pem is given without a certificate"},
             {"two certificates",
              [](client_config& c) { c.tls.certificate_file = c.tls.certificate_pem = "c"; },
              "tls.certificate_file and tls.certificate_pem are both given"},
             {"two keys",
              [](client_config& c)
              {
                  c.tls.certificate_file = c.tls.key_file = "c";
                  c.tls.key_pem = "k";
              },
              "tls.key_file and tls.key_pem are both given"},
             {"no signing key", [](client_config& c)
              { c.authentication = who::private_key_jwt("id", coauth::signing_key()); },
              "the signing key is empty"},
             {"assertions without end", [](client_config& c)
              { c.authentication = who::private_key_jwt("id", some_key, {"", 2h}); },
              "the lifetime of assertions is 7200 s; it must be from 1 s to 1 hour"},
             {"assertions of no time",
              [](client_config& c)
              {
                  c.authentication = who::client_secret_jwt(
                      "id", coauth::secret("s3cr3t-word"), coauth::signature_algorithm::hs256,
                      {"", 0s});
              },
              "the lifetime of assertions is 0 s; it must be from 1 s to 1 hour"},
             {"line break in an audience", [](client_config& c)
              { c.authentication = who::private_key_jwt("id", some_key, {"a\n"}); },
              "the audience of assertions contains a control character"},
             {"secret that signs by RSA",
              [](client_config& c)
              {
                  c.authentication = who::client_secret_jwt(
                      "id", coauth::secret("s3cr3t-word"), coauth::signature_algorithm::rs256);
              },
              "a client secret signs by HS256, HS384 or HS512, not RS256"},
             {"negative assumed life", [](client_config& c) { c.server.lifetimes.assumed = -1s; },
              "server.lifetimes.assumed is negative"},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto changed = config();
            row.change(changed);
            auto const got = check_config(changed);
            BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
            auto const message = got.error().message();
            check_contains(message, row.message);
            check_lacks(message, "s3cr3t-word");
            check_lacks(message, "\n");
            BOOST_TEST(got.error().attempts() == 0U);
            BOOST_TEST(!got.error().transient());
        }
}

BOOST_AUTO_TEST_CASE(what_is_accepted)
{
    struct row
    {
        char const* name;
        std::function<void(client_config&)> change;
    };
    using who = client_authentication;
    for (auto const& row :
         std::vector<row>{
             {"as it is", [](client_config&) {}},
             {"smallest limits",
              [](client_config& c)
              {
                  c.limits.header = 512;
                  c.limits.body = 64;
                  c.limits.interim = 0;
                  c.timeout = 1ms;
              }},
             {"longest time", [](client_config& c) { c.timeout = 1h; }},
             {"no user agent", [](client_config& c) { c.user_agent.clear(); }},
             {"public client", [](client_config& c) { c.authentication = who::none("id"); }},
             {"colon in an encoded id", [](client_config& c)
              { c.authentication = who::client_secret_basic("i:d", coauth::secret("s")); }},
             {"secret that a function gives",
              [](client_config& c)
              {
                  c.authentication = who::client_secret_basic(
                      "id", []() -> coauth::result<coauth::secret> { return coauth::secret(); });
              }},
             {"secret that signs",
              [](client_config& c)
              {
                  c.authentication = who::client_secret_jwt(
                      "id", coauth::secret("s"), coauth::signature_algorithm::hs512);
              }},
             {"key that signs",
              [](client_config& c) { c.authentication = who::private_key_jwt("id", some_key); }},
             {"assertion that says who it is",
              [](client_config& c)
              {
                  c.authentication = who::client_assertion(
                      "", []() -> coauth::result<coauth::secret> { return coauth::secret("a"); });
              }},
             {"nobody", [](client_config& c) { c.authentication = who::anonymous(); }},
             {"certificate",
              [](client_config& c)
              {
                  c.authentication = who::tls_client_auth("id");
                  c.tls.certificate_pem = "c";
                  c.tls.key_pem = "k";
              }},
             {"CA text", [](client_config& c) { c.tls.ca_pem = "-----BEGIN CERTIFICATE-----"; }},
             {"SMS.CX",
              [](client_config& c) { c = coauth::smscx::config("id", coauth::secret("s")); }},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto changed = config();
            row.change(changed);
            BOOST_TEST(outcome(check_config(changed)) == "success");
        }
}

BOOST_AUTO_TEST_CASE(yields_the_endpoint)
{
    auto const got = check_config(config());
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST(got->host == "as.example.com");
    BOOST_TEST(got->target == "/oauth/token");
}

BOOST_AUTO_TEST_CASE(endpoints_of_a_client_with_a_certificate)
{
    using enum coauth::protocol::place;
    auto changed = config();
    changed.server.introspection_endpoint = "https://as.example.com/i";
    changed.server.revocation_endpoint = "https://as.example.com/r";
    changed.server.mtls_endpoint_aliases = {"https://mtls/t", "https://mtls/i", ""};
    BOOST_TEST(url_of(changed, token) == "https://as.example.com/oauth/token");
    changed.tls.certificate_file = "c";
    BOOST_TEST(url_of(changed, token) == "https://mtls/t");
    BOOST_TEST(url_of(changed, introspection) == "https://mtls/i");
    BOOST_TEST(url_of(changed, revocation) == "https://as.example.com/r");
}

BOOST_AUTO_TEST_CASE(the_key_is_loaded_where_one_signs)
{
    using coauth::protocol::load_key;
    auto changed = config();
    BOOST_TEST((*load_key(changed, {}) == nullptr));
    changed.authentication = client_authentication::private_key_jwt("id", some_key);
    check_contains(
        load_key(changed, {}).error().message(), "authentication: the signing key holds no PEM");
}

BOOST_AUTO_TEST_SUITE_END()
