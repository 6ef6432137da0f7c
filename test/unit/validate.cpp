#include "protocol/validate.hpp"

#include <coauth/smscx.hpp>

#include "support.hpp"

using namespace test;
using coauth::client_authentication;
using coauth::client_config;
using coauth::protocol::check_config;

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

BOOST_AUTO_TEST_SUITE_END()
