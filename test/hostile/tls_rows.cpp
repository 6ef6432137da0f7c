// What a server of TLS may do that coauth's own cannot be told to: names that almost match, weak
// groups, certificates, tickets and key updates in masses, renegotiation, another protocol.

#include "fixture.hpp"
#include "issued_certificate.hpp"
#include "measured.hpp"
#include "raw_tls_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <set>

using namespace test;

namespace
{

constexpr std::size_t mib = std::size_t(1024) * 1024;
constexpr int tls_1_2 = TLS1_2_VERSION;
constexpr int tls_1_3 = TLS1_3_VERSION;

void check(bool ok)
{
    if (!ok)
        throw std::runtime_error("OpenSSL refuses");
}

// Every name is at this machine.
coauth::client_config
config_for(raw_tls_server const& server, issued_certificate const& trusted, std::string const& host)
{
    coauth::client_config config;
    config.server.token_endpoint = "https://" + host + ":" + std::to_string(server.port()) + "/";
    config.authentication =
        coauth::client_authentication::client_secret_basic(client_id, client_secret);
    config.tls.ca_pem = trusted.ca_pem();
    config.connections.resolver = [](auto const&, std::uint16_t port, auto const& done)
    { done({}, {{"127.0.0.1", port}}); };
    return config;
}

raw_tls_server::settings speaking(issued_certificate const& shown, int version = 0)
{
    return [&shown, version](SSL_CTX& context)
    {
        shown.use(context);
        check(SSL_CTX_set_min_proto_version(&context, version) == 1);
        check(SSL_CTX_set_max_proto_version(&context, version) == 1);
    };
}

void answer_one(raw_connection& peer)
{
    if (peer.shake_hands() && peer.read_request())
        peer.write(http_answer(token_body));
}

void check_refused(raw_tls_server& server, token_result const& got, std::string const& expected)
{
    BOOST_TEST(outcome(got) == expected);
    check_no_secret(got);
    server.finish();
    BOOST_TEST(server.connections() == 1U);
    BOOST_TEST(server.handshakes() == 0U);
    BOOST_TEST(server.bytes_received() == 0U);
}

void check_accepted(raw_tls_server& server, token_result const& got)
{
    BOOST_TEST(require_token(got).value() == "tok.en-1");
    server.finish();
    BOOST_TEST(server.connections() == 1U);
    BOOST_TEST(server.handshakes() == 1U);
    BOOST_TEST(server.bytes_received() > 0U);
}

struct name_row
{
    char const* name;
    char const* names;
    char const* host;
};

void check_refused_for_its_name(name_row const& row)
{
    BOOST_TEST_CONTEXT(row.name << ": " << row.names << " for " << row.host)
    {
        issued_certificate const shown({row.names, "localhost"});
        raw_tls_server server(speaking(shown), answer_one);
        auto const got = fetch(config_for(server, shown, row.host));
        check_refused(server, got, "certificate_rejected");
        if (!got)
            BOOST_TEST(
                got.error().message().find("mismatch") != std::string::npos, got.error().message());
    }
}

std::string thousand_names(std::string const& right, std::size_t before)
{
    std::string names;
    for (std::size_t i = 0; i < 1000; ++i)
        names += (i == 0 ? "DNS:" : ",DNS:") +
                 (i == before ? right : "host" + std::to_string(i) + ".example");
    return names;
}

// The prime of RFC 2409 (1024 bits) or of RFC 3526 (2048 bits), and 2.
std::shared_ptr<EVP_PKEY> make_dh_group(int bits)
{
    std::shared_ptr<BIGNUM> const prime(
        bits == 1024 ? BN_get_rfc2409_prime_1024(nullptr) : BN_get_rfc3526_prime_2048(nullptr),
        BN_free);
    std::shared_ptr<BIGNUM> const two(BN_new(), BN_free);
    std::shared_ptr<OSSL_PARAM_BLD> const builder(OSSL_PARAM_BLD_new(), OSSL_PARAM_BLD_free);
    check(prime && two && builder && BN_set_word(two.get(), 2) == 1);
    check(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_FFC_P, prime.get()) == 1);
    check(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_FFC_G, two.get()) == 1);
    std::shared_ptr<OSSL_PARAM> const parameters(
        OSSL_PARAM_BLD_to_param(builder.get()), OSSL_PARAM_free);
    std::shared_ptr<EVP_PKEY_CTX> const making(
        EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr), EVP_PKEY_CTX_free);
    EVP_PKEY* made = nullptr;
    check(EVP_PKEY_fromdata_init(making.get()) == 1);
    check(EVP_PKEY_fromdata(making.get(), &made, EVP_PKEY_KEY_PARAMETERS, parameters.get()) == 1);
    return {made, EVP_PKEY_free};
}

raw_tls_server::settings with_dh_group(issued_certificate const& shown, int bits)
{
    return [&shown, bits](SSL_CTX& context)
    {
        speaking(shown, tls_1_2)(context);
        check(SSL_CTX_set_cipher_list(&context, "DHE-RSA-AES128-GCM-SHA256") == 1);
        auto const group = make_dh_group(bits);
        check(EVP_PKEY_up_ref(group.get()) == 1);
        check(SSL_CTX_set0_tmp_dh_pkey(&context, group.get()) == 1);
    };
}

// HelloRequest: the server does not wait for what becomes of it.
bool ask_to_renegotiate(raw_connection& peer)
{
    return SSL_renegotiate(peer.tls()) == 1 && SSL_do_handshake(peer.tls()) == 1;
}

bool update_key(raw_connection& peer)
{
    return SSL_key_update(peer.tls(), SSL_KEY_UPDATE_REQUESTED) == 1 &&
           SSL_do_handshake(peer.tls()) == 1;
}

bool repeat(std::size_t count, bool (*what)(raw_connection&), raw_connection& peer)
{
    for (std::size_t i = 0; i < count; ++i)
        if (!what(peer))
            return false;
    return true;
}

// The answer, and what is done when half of it is sent. Whether all went well.
bool answer_in_halves(raw_connection& peer, std::function<bool()> const& between)
{
    auto const whole = http_answer(token_body);
    auto const half = whole.size() / 2;
    return peer.write(whole.substr(0, half)) && between() && peer.write(whole.substr(half));
}

raw_tls_server::script halving(std::function<bool(raw_connection&)> const& between)
{
    return [=](raw_connection& peer)
    {
        if (peer.shake_hands() && peer.read_request())
            answer_in_halves(peer, [&] { return between(peer); });
    };
}

token_result ask(coauth::client& client, boost::asio::io_context& context)
{
    std::optional<token_result> got;
    client.async_get_access_token(
        coauth::token_request(), [&](token_result r) { got = std::move(r); });
    context.restart();
    context.run();
    BOOST_REQUIRE(got);
    return *got;
}

// One request; what it may end with, how long it may take and how much memory.
void check_ends(
    coauth::client_config config, std::chrono::milliseconds timeout,
    std::set<std::string> const& outcomes)
{
    config.timeout = timeout;
    stopwatch const watch;
    measured const taken;
    auto const got = fetch(config);
    BOOST_TEST(outcomes.contains(outcome(got)), outcome(got));
    BOOST_TEST(watch.elapsed() < timeout + 1s);
    BOOST_TEST(taken.memory() < 4 * mib);
    if (got)
        BOOST_TEST(got->value() == "tok.en-1");
    check_no_secret(got, "tok.en-1");
}

// The server's side of the handshake, one byte after the other.
void dribble_handshake(raw_connection& peer)
{
    BIO* const said = BIO_new(BIO_s_mem());
    SSL_set0_wbio(peer.tls(), said);
    // Does not wait for what answers it.
    peer.set_patience(20ms);
    while (!peer.left_alone() && BIO_ctrl_pending(said) == 0)
        (void)peer.shake_hands();
    char byte = 0;
    while (!peer.left_alone() && BIO_read(said, &byte, 1) == 1 && peer.write_beneath({&byte, 1}))
        std::this_thread::sleep_for(50ms);
}

constexpr std::string_view h2 = "\x02h2";

int choose_h2(
    SSL*, unsigned char const** chosen, unsigned char* size, unsigned char const*, unsigned, void*)
{
    *chosen = reinterpret_cast<unsigned char const*>(h2.data()) + 1;
    *size = 2;
    return SSL_TLSEXT_ERR_OK;
}

int choose_nothing(
    SSL*, unsigned char const**, unsigned char*, unsigned char const* offered, unsigned size, void*)
{
    // What this client offers; an h2 server has nothing in common with it.
    std::string_view const list(reinterpret_cast<char const*>(offered), size);
    return list.find(h2) == std::string_view::npos ? SSL_TLSEXT_ERR_ALERT_FATAL
                                                   : SSL_TLSEXT_ERR_NOACK;
}

constexpr std::size_t size_of_ticket = std::size_t(32) * 1024;

int add_to_ticket(SSL* tls, void*)
{
    static std::string const filling(size_of_ticket, 't');
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(tls), filling.data(), filling.size());
}

SSL_TICKET_RETURN accept_ticket(
    SSL*, SSL_SESSION*, unsigned char const*, std::size_t, SSL_TICKET_STATUS status, void*)
{
    bool const good = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
    return good ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_IGNORE_RENEW;
}

} // namespace

BOOST_AUTO_TEST_SUITE(tls_rows)

BOOST_AUTO_TEST_CASE(names_that_almost_match_are_refused)
{
    for (auto const& row : {
             name_row{"partial wildcard", "DNS:loc*host", "localhost"},
             {"partial wildcard at the start", "DNS:*a.b.example", "a.b.example"},
             {"partial wildcard at the end", "DNS:a*.b.example", "a.b.example"},
             {"wildcard of a parent", "DNS:*.example", "b.example"},
             {"wildcard of a parent of two labels", "DNS:*.b.example", "b.example"},
             {"wildcard for two labels", "DNS:*.b.example", "x.a.b.example"},
             {"wildcard within", "DNS:a.*.example", "a.b.example"},
             {"two wildcards", "DNS:*.*.example", "a.b.example"},
             {"name of a parent", "DNS:b.example", "a.b.example"},
             {"name for an address", "DNS:localhost", "127.0.0.1"},
             {"wildcard for an address", "DNS:*.0.0.1", "127.0.0.1"},
             {"address for a name", "IP:127.0.0.1", "localhost"},
             {"another address", "IP:127.0.0.2,DNS:127.0.0.1", "127.0.0.1"},
             {"mail address", "email:a@localhost", "localhost"},
             {"URI", "URI:https://localhost/", "localhost"},
         })
        check_refused_for_its_name(row);
}

BOOST_AUTO_TEST_CASE(names_that_match_are_accepted)
{
    for (auto const& row : {
             name_row{"wildcard", "DNS:*.b.example", "a.b.example"},
             {"other case", "DNS:A.B.example", "a.b.EXAMPLE"},
             {"the last of two", "DNS:other.example,DNS:b.example", "b.example"},
             {"address", "IP:127.0.0.1", "127.0.0.1"},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            issued_certificate const shown({row.names, "other.example"});
            raw_tls_server server(speaking(shown), answer_one);
            check_accepted(server, fetch(config_for(server, shown, row.host)));
        }
}

BOOST_AUTO_TEST_CASE(unusual_certificates_are_accepted)
{
    std::pair<char const*, certificate_text> const rows[] = {
        {"RSA of 4096 bits", {.rsa_bits = 4096}},
        {"no common name", {.common_name = ""}},
        {"1,000 names, the right one last", {.names = thousand_names("localhost", 999)}},
        {"1,000 names, the right one among them", {.names = thousand_names("localhost", 500)}},
    };
    for (auto const& [name, text] : rows)
    {
        issued_certificate const shown(text);
        for (int const version : {tls_1_2, tls_1_3})
            BOOST_TEST_CONTEXT(name << ", TLS " << version)
            {
                raw_tls_server server(speaking(shown, version), answer_one);
                check_accepted(server, fetch(config_for(server, shown, "localhost")));
            }
    }
}

BOOST_AUTO_TEST_CASE(a_thousand_names_without_the_right_one_are_refused)
{
    auto const names = thousand_names("locahost", 500);
    check_refused_for_its_name({"1,000 names", names.c_str(), "localhost"});
}

BOOST_AUTO_TEST_CASE(a_chain_of_more_than_100_kib_is_refused)
{
    issued_certificate const shown;
    for (int const version : {tls_1_2, tls_1_3})
        for (std::size_t const copies : {10U, 1000U})
            BOOST_TEST_CONTEXT(copies << ", TLS " << version)
            {
                raw_tls_server server(
                    [&](SSL_CTX& context)
                    {
                        speaking(shown, version)(context);
                        shown.use(context, copies);
                    },
                    answer_one);
                measured const taken;
                auto const got = fetch(config_for(server, shown, "localhost"));
                BOOST_TEST(taken.memory() < 4 * mib);
                BOOST_TEST(taken.bytes() < 2 * mib);
                if (copies == 10)
                    check_accepted(server, got);
                else
                    check_refused(server, got, "tls_failed");
            }
}

BOOST_AUTO_TEST_CASE(a_dh_group_of_1024_bits_is_refused)
{
    issued_certificate const shown({.rsa_bits = 2048});
    {
        raw_tls_server server(with_dh_group(shown, 1024), answer_one);
        auto const got = fetch(config_for(server, shown, "localhost"));
        check_refused(server, got, "tls_failed");
    }
    raw_tls_server server(with_dh_group(shown, 2048), answer_one);
    check_accepted(server, fetch(config_for(server, shown, "localhost")));
}

BOOST_AUTO_TEST_CASE(a_request_to_renegotiate_is_survived)
{
    issued_certificate const shown;
    std::pair<char const*, raw_tls_server::script> const rows[] = {
        {"before the answer",
         [](raw_connection& peer)
         {
             if (peer.shake_hands() && peer.read_request() && ask_to_renegotiate(peer))
                 peer.write(http_answer(token_body));
         }},
        {"in the middle of the answer", halving(ask_to_renegotiate)},
        {"a hundred times",
         halving([](raw_connection& peer) { return repeat(100, ask_to_renegotiate, peer); })},
    };
    for (auto const& [name, script] : rows)
        BOOST_TEST_CONTEXT(name)
        {
            raw_tls_server server(speaking(shown, tls_1_2), script);
            check_ends(config_for(server, shown, "localhost"), 5s, {"success"});
            server.finish();
            BOOST_TEST(server.connections() == 1U);
        }

    // The client has declined, and it is for the server to break off.
    raw_tls_server server(
        speaking(shown, tls_1_2),
        halving([](raw_connection& peer)
                { return ask_to_renegotiate(peer) && peer.read_request(); }));
    check_ends(config_for(server, shown, "localhost"), 3s, {"tls_failed"});
    server.finish();
    BOOST_TEST(server.connections() == 1U);
}

// By the client's own, too: the next request is under its new key.
BOOST_AUTO_TEST_CASE(key_updates_are_followed)
{
    issued_certificate const shown;
    for (std::size_t const count : {1U, 2000U})
        BOOST_TEST_CONTEXT(count)
        {
            raw_tls_server server(
                speaking(shown, tls_1_3),
                [&](raw_connection& peer)
                {
                    auto const update = [&] { return repeat(count, update_key, peer); };
                    if (peer.shake_hands())
                        while (peer.read_request() && answer_in_halves(peer, update))
                        {
                        }
                });
            measured const taken;
            {
                boost::asio::io_context context;
                coauth::client client(
                    context.get_executor(), config_for(server, shown, "localhost"));
                for (int i = 0; i < 3; ++i)
                    BOOST_TEST(require_token(ask(client, context)).value() == "tok.en-1");
            }
            BOOST_TEST(taken.memory() < 4 * mib);
            server.finish();
            BOOST_TEST(server.connections() == 1U);
        }
}

BOOST_AUTO_TEST_CASE(a_storm_of_key_updates_ends)
{
    issued_certificate const shown;
    struct row
    {
        char const* name;
        std::size_t count;
        std::chrono::milliseconds timeout;
        std::set<std::string> outcomes;
    };
    // So many that either side may no longer be able to send, since the other does not receive.
    for (auto const& row : {
             row{"many", 30'000, 2s, {"success", "timeout"}},
             row{"without end", std::size_t(-1), 1s, {"timeout", "tls_failed"}},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            raw_tls_server server(
                speaking(shown, tls_1_3),
                halving([&](raw_connection& peer) { return repeat(row.count, update_key, peer); }));
            check_ends(config_for(server, shown, "localhost"), row.timeout, row.outcomes);
        }
}

BOOST_AUTO_TEST_CASE(sixteen_tickets_of_32_kib_are_taken)
{
    issued_certificate const shown;
    raw_tls_server server(
        [&](SSL_CTX& context)
        {
            speaking(shown, tls_1_3)(context);
            check(SSL_CTX_set_num_tickets(&context, 16) == 1);
            check(
                SSL_CTX_set_session_ticket_cb(&context, add_to_ticket, accept_ticket, nullptr) ==
                1);
        },
        answer_one);
    auto const config = config_for(server, shown, "localhost");
    // One comes with each session that is resumed.
    for (std::size_t const tickets : {16U, 1U, 1U})
    {
        measured const taken;
        BOOST_TEST(require_token(fetch(config)).value() == "tok.en-1");
        BOOST_TEST(taken.bytes() > tickets * size_of_ticket);
        BOOST_TEST(taken.memory() < 4 * mib);
    }
    server.finish();
    BOOST_TEST(server.connections() == 3U);
    BOOST_TEST(server.resumed() == 2U);
}

BOOST_AUTO_TEST_CASE(a_server_of_h2_alone_is_refused)
{
    issued_certificate const shown;
    for (int const version : {tls_1_2, tls_1_3})
    {
        raw_tls_server server(
            [&](SSL_CTX& context)
            {
                speaking(shown, version)(context);
                SSL_CTX_set_alpn_select_cb(&context, choose_nothing, nullptr);
            },
            answer_one);
        auto const got = fetch(config_for(server, shown, "localhost"));
        check_refused(server, got, "tls_failed");
        if (!got)
            BOOST_TEST(
                got.error().message().find("no application protocol") != std::string::npos,
                got.error().message());
    }
}

// That was not offered. It may speak HTTP/1.1 all the same, or what it says.
BOOST_AUTO_TEST_CASE(a_server_that_chooses_h2)
{
    issued_certificate const shown;
    std::string const settings("\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64", 15);
    for (auto const& said : {http_answer(token_body), settings})
    {
        raw_tls_server server(
            [&](SSL_CTX& context)
            {
                speaking(shown)(context);
                SSL_CTX_set_alpn_select_cb(&context, choose_h2, nullptr);
            },
            [&](raw_connection& peer)
            {
                if (peer.shake_hands() && peer.read_request())
                    peer.write(said);
            });
        // What TLS makes of it differs between releases of OpenSSL.
        check_ends(
            config_for(server, shown, "localhost"), 5s,
            {said == settings ? "malformed_http" : "success", "tls_failed"});
    }
}

BOOST_AUTO_TEST_CASE(a_handshake_that_dribbles_is_left_at_the_deadline)
{
    issued_certificate const shown;
    for (int const version : {tls_1_2, tls_1_3})
        BOOST_TEST_CONTEXT("TLS " << version)
        {
            raw_tls_server server(speaking(shown, version), dribble_handshake);
            stopwatch const watch;
            measured const taken;
            check_ends(config_for(server, shown, "localhost"), 600ms, {"timeout"});
            BOOST_TEST(watch.elapsed() >= 600ms);
            BOOST_TEST(taken.bytes() > 1U);
            BOOST_TEST(taken.bytes() < 100U);
            server.finish();
            BOOST_TEST(server.handshakes() == 0U);
            BOOST_TEST(server.bytes_received() == 0U);
        }
}

BOOST_AUTO_TEST_CASE(a_client_certificate_is_demanded)
{
    issued_certificate const shown;
    issued_certificate const right({.common_name = "client"});
    issued_certificate const wrong({.common_name = "client"});
    struct row
    {
        char const* name;
        issued_certificate const* own;
    };
    for (auto const& row : {row{"none", nullptr}, {"of another CA", &wrong}, {"right", &right}})
        for (int const version : {tls_1_2, tls_1_3})
            BOOST_TEST_CONTEXT(row.name << ", TLS " << version)
            {
                raw_tls_server server(
                    [&](SSL_CTX& context)
                    {
                        speaking(shown, version)(context);
                        right.demand(context);
                    },
                    answer_one);
                auto config = config_for(server, shown, "localhost");
                if (row.own != nullptr)
                {
                    config.tls.certificate_pem = row.own->certificate_pem();
                    config.tls.key_pem = coauth::secret(row.own->key_pem());
                }
                auto const got = fetch(config);
                if (row.own == &right)
                    check_accepted(server, got);
                else
                    check_refused(server, got, "tls_failed");
            }
}

BOOST_AUTO_TEST_SUITE_END()
