// TLS sessions are resumed if that is allowed; otherwise a full handshake is done.

#include "client_fixture.hpp"
#include "fixture.hpp"
#include "scratch_file.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <functional>
#include <list>
#include <thread>

using namespace test;

BOOST_AUTO_TEST_SUITE(sessions)

namespace
{

constexpr int both_versions[] = {0x0303, 0x0304};

server_options speaking(int version)
{
    auto chosen = options();
    chosen.min_tls_version = chosen.max_tls_version = version;
    return chosen;
}

// Runs `count` operations in turn and returns how their connections were opened.
std::vector<std::string> openings(coauth::client_config config, int operations)
{
    auto const seen = std::make_shared<event_log>();
    config.observer = seen;
    client_fixture kept(config);
    for (int i = 0; i < operations; ++i)
        BOOST_TEST(outcome(kept.fetch()) == "success");
    std::vector<std::string> found;
    for (auto& line : seen->take())
        if (line.starts_with("opened"))
            found.push_back(std::move(line));
    return found;
}

void check_openings(coauth::client_config const& config, std::vector<std::string> const& expected)
{
    auto const found = openings(config, static_cast<int>(expected.size()));
    BOOST_TEST(found == expected, boost::test_tools::per_element());
}

} // namespace

BOOST_AUTO_TEST_CASE(a_session_that_the_server_forgot_is_replaced)
{
    for (int const version : both_versions)
        BOOST_TEST_CONTEXT("TLS " << version)
        {
            auto server = start(speaking(version));
            auto const config = without_reuse(server);
            check_openings(config, {"opened", "opened, resumed"});
            server.rotate_session_keys();
            check_openings(config, {"opened", "opened, resumed", "opened, resumed"});
            BOOST_TEST(server.handshakes() == 5U);
            BOOST_TEST(server.resumed() == 3U);
        }
}

BOOST_AUTO_TEST_CASE(sessions_that_the_server_always_refuses_do_no_harm)
{
    for (int const version : both_versions)
        BOOST_TEST_CONTEXT("TLS " << version)
        {
            auto server = start(speaking(version));
            auto const config = without_reuse(server);
            for (int i = 0; i < 5; ++i)
            {
                check_openings(config, {"opened"});
                server.rotate_session_keys();
            }
            BOOST_TEST(server.resumed() == 0U);
        }
}

BOOST_AUTO_TEST_CASE(the_newest_session_is_offered_first)
{
    for (int const version : both_versions)
        BOOST_TEST_CONTEXT("TLS " << version)
        {
            auto server = start(speaking(version));
            client_fixture kept(without_reuse(server));
            BOOST_TEST(count(kept.fetch_at_once(8), "success") == 8U);
            // Stores unusable sessions before the new ones.
            server.rotate_session_keys();
            BOOST_TEST(outcome(kept.fetch()) == "success");
            BOOST_TEST(server.resumed() == 0U);
            for (int i = 0; i < 5; ++i)
                BOOST_TEST(outcome(kept.fetch()) == "success");
            BOOST_TEST(server.resumed() == 5U);
        }
}

BOOST_AUTO_TEST_CASE(an_expired_session_is_replaced)
{
    std::list<authorization_server> servers;
    for (int const version : both_versions)
    {
        auto chosen = speaking(version);
        chosen.session_lifetime = 1s;
        servers.push_back(start(chosen));
        check_openings(without_reuse(servers.back()), {"opened"});
    }
    // Lifetimes are in whole seconds; this is more than one.
    std::this_thread::sleep_for(2050ms);
    for (auto const& server : servers)
    {
        check_openings(without_reuse(server), {"opened", "opened, resumed"});
        BOOST_TEST(server.resumed() == 1U);
    }
}

// A session stays valid if the connection ends without close_notify (RFC 5246 section 7.2.1).
BOOST_AUTO_TEST_CASE(a_session_outlives_a_connection_that_was_cut)
{
    for (int const version : both_versions)
        for (auto const end : {response_end::close, response_end::truncate, response_end::reset})
            for (std::size_t const cut : {0U, 1U, 1000U})
                BOOST_TEST_CONTEXT(
                    "TLS " << version << ", " << static_cast<int>(end) << " at " << cut)
                {
                    auto server = start(speaking(version));
                    client_fixture kept(single_attempt(server));
                    BOOST_TEST(outcome(kept.fetch()) == "success");
                    auto last = response::bytes(http_response(token_body), end);
                    last.cut_at = cut;
                    server.push_response(last);
                    (void)kept.fetch();
                    BOOST_TEST(outcome(kept.fetch()) == "success");
                    BOOST_TEST(server.handshakes() == 2U);
                    BOOST_TEST(server.resumed() == 1U);
                }
}

BOOST_AUTO_TEST_CASE(a_server_without_sessions_is_used_with_full_handshakes)
{
    for (int const version : both_versions)
    {
        auto chosen = speaking(version);
        chosen.session_lifetime = 0s;
        auto const server = start(chosen);
        check_openings(without_reuse(server), {"opened", "opened", "opened"});
        BOOST_TEST(server.resumed() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(connections_opened_at_the_same_time_resume_sessions)
{
    struct row
    {
        int version;
        // All connections may use one TLS 1.2 session; in TLS 1.3 each connection receives two
        // tickets.
        std::size_t first;
    };
    for (auto const row : {row{0x0303, 1}, row{0x0304, 8}})
        BOOST_TEST_CONTEXT("TLS " << row.version)
        {
            auto const server = start(speaking(row.version));
            client_fixture kept(without_reuse(server));
            BOOST_TEST(count(kept.fetch_at_once(row.first), "success") == row.first);
            BOOST_TEST(server.resumed() == 0U);
            for (int i = 0; i < 3; ++i)
                BOOST_TEST(count(kept.fetch_at_once(16), "success") == 16U);
            BOOST_TEST(server.handshakes() == row.first + 48);
            BOOST_TEST(server.resumed() == 48U);
            BOOST_TEST(kept.client.counters().sessions_resumed == 48U);
        }
}

// Connections that are opened at the same time never send the same ticket.
BOOST_AUTO_TEST_CASE(a_tls_1_3_ticket_is_used_for_one_connection)
{
    auto const server = start(speaking(0x0304));
    client_fixture kept(without_reuse(server));
    BOOST_TEST(outcome(kept.fetch()) == "success");
    BOOST_TEST(count(kept.fetch_at_once(5), "success") == 5U);
    BOOST_TEST(server.resumed() == 2U);
}

BOOST_AUTO_TEST_CASE(a_session_is_not_resumed_for_another_host_name)
{
    for (int const version : both_versions)
        BOOST_TEST_CONTEXT("TLS " << version)
        {
            auto chosen = speaking(version);
            chosen.certificate = coauth::testing::certificate::wrong_host;
            auto const server = start(chosen);
            auto config = without_reuse(server);
            config.connections.resolver = [](auto const&, std::uint16_t port, auto const& done)
            { done({}, {{"127.0.0.1", port}}); };
            config.server.token_endpoint = server.token_endpoint("other.example");
            check_openings(config, {"opened", "opened, resumed"});
            // The same address by a name that is not in the certificate.
            for (char const* const host : {"localhost", "127.0.0.1", "example"})
            {
                config.server.token_endpoint = server.token_endpoint(host);
                BOOST_TEST(outcome(fetch(config)) == "certificate_verify_failed");
            }
            BOOST_TEST(server.requests().size() == 2U);

            // Even if the certificate has both names.
            auto const two_names = start(speaking(version));
            config = without_reuse(two_names);
            check_openings(config, {"opened", "opened, resumed"});
            config.server.token_endpoint = two_names.token_endpoint("localhost");
            check_openings(config, {"opened", "opened, resumed"});
        }
}

BOOST_AUTO_TEST_CASE(a_session_is_not_resumed_with_other_trusted_cas)
{
    auto const other = start();
    struct row
    {
        char const* name;
        std::function<void(coauth::tls_options&, authorization_server const&)> change;
    };
    for (auto const &row :
         std::vector<row>{
             {"another CA", [&](auto& tls, auto&) { tls.ca_pem = other.ca_pem(); }},
             {"the system's CAs", [](auto& tls, auto&) { tls = {}; }},
             {"another CA and the system's",
              [&](auto& tls, auto&)
              {
                  tls.ca_pem = other.ca_pem();
                  tls.system_trust_store = true;
              }},
             {"a certificate revoked meanwhile",
              [](auto& tls, auto& server) { tls.crl_pem = server.crl_pem(); }},
             {"revocation lists of others",
              [&](auto& tls, auto&) { tls.crl_pem = other.crl_pem(false); }},
         })
        for (int const version : both_versions)
            BOOST_TEST_CONTEXT(row.name << ", TLS " << version)
            {
                auto const server = start(speaking(version));
                auto const right = without_reuse(server);
                check_openings(right, {"opened", "opened, resumed"});
                auto wrong = right;
                row.change(wrong.tls, server);
                BOOST_TEST(outcome(fetch(wrong)) == "certificate_verify_failed");
                BOOST_TEST(server.requests().size() == 2U);
                check_openings(right, {"opened, resumed"});
            }
}

BOOST_AUTO_TEST_CASE(a_session_is_not_resumed_after_the_ca_file_was_replaced)
{
    auto const other = start();
    auto const server = start();
    scratch_file const file("ca");
    file.write(server.ca_pem());
    auto config = without_reuse(server);
    config.tls.ca_pem.clear();
    config.tls.ca_file = file.path();
    check_openings(config, {"opened", "opened, resumed"});
    file.write(other.ca_pem());
    BOOST_TEST(outcome(fetch(config)) == "certificate_verify_failed");
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_session_of_the_systems_cas_is_not_resumed_without_them)
{
    auto const other = start();
    auto const server = start();
    scratch_file const system("system");
    system.write(server.ca_pem());
    auto config = without_reuse(server);
    config.tls.ca_pem = other.ca_pem();
    config.tls.system_trust_store = true;
    ::setenv("SSL_CERT_FILE", system.path().c_str(), 1);
    check_openings(config, {"opened", "opened, resumed"});
    ::unsetenv("SSL_CERT_FILE");
    config.tls.system_trust_store = false;
    BOOST_TEST(outcome(fetch(config)) == "certificate_verify_failed");
    BOOST_TEST(server.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_client_without_session_resumption_stores_no_sessions)
{
    auto const server = start();
    auto config = without_reuse(server);
    config.tls.session_resumption = false;
    check_openings(config, {"opened", "opened"});
    config.tls.session_resumption = true;
    check_openings(config, {"opened", "opened, resumed"});
    config.tls.session_resumption = false;
    check_openings(config, {"opened"});
}

BOOST_AUTO_TEST_SUITE_END()
