// After all objects are destroyed, no copy of a secret is left in writable memory. The test stores
// the secrets masked, and the server has a process of its own.

#include "fixture.hpp"
#include "server_process.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace test;

BOOST_AUTO_TEST_SUITE(secrets_in_memory)

namespace
{

constexpr char mask = '\x5A';

// A text that is stored masked only.
template <std::size_t N>
struct masked
{
    consteval masked(char const (&text)[N])
    {
        for (std::size_t i = 0; i + 1 < N; ++i)
            bytes[i] = static_cast<char>(text[i] ^ mask);
    }
    [[nodiscard]] std::string plain() const
    {
        std::string text;
        for (char const c : bytes)
            text += static_cast<char>(c ^ mask);
        return text;
    }
    [[nodiscard]] coauth::secret secret() const
    {
        coauth::secret text;
        for (char const c : bytes)
            text.append(static_cast<char>(c ^ mask));
        return text;
    }

    std::array<char, N - 1> bytes{};
};

constexpr masked the_secret("Kz8wQpL2vXr5TnYb7Hs3JdGf9McA4eU6");
constexpr masked the_token("tok-Wq7Zx3Rv9Lp2Ks5Jh8Gd4Fb6Nc1Mt0Yy");
// Base64 of "client:" and the secret.
constexpr masked the_basic_value("Y2xpZW50Okt6OHdRcEwydlhyNVRuWWI3SHMzSmRHZjlNY0E0ZVU2");
constexpr masked the_proxy_password("Gq5zVn3Ld7Wt9Xb2Rf6Mk8Hc4Sj1Py0Ea");
// Base64 of "proxy:" and the password.
constexpr masked the_proxy_value("cHJveHk6R3E1elZuM0xkN1d0OVhiMlJmNk1rOEhjNFNqMVB5MEVh");
constexpr masked the_assertion("asr.Tn6Yc2Qk8Vd4Zm9Xw3.Lf7Bj5Rh1Gp0Su");
constexpr masked the_granted_token("rft-Pv8Kd3Xn6Qy2Tz9Wb5Lm7Hf4Jc1Rg0Ss");
constexpr masked the_introspected_token("exm-Bx4Wj9Nf2Ck7Gv5Zp3Ty8Ql6Md1Hr0Uu");
constexpr masked the_escaped_token("esc.Lq7Vn2Xk9Rd4Tz6Wb3Hf8Jm5Pc1Gs0-"
                                   "Yt4Nx8Bv6Qk2Zr9Dw5Fh7Lj3Mp1Cs0-Gb6Tq3Xz8Kv5Wn9Rj2Hd7Fm4Pl1Yc0-"
                                   "Nw5Zb9Qx3Tk7Vr2Jh6Dm8Gf4Ls1Pt0-Xd2Rk6Bq9Wv4Hn7Zm3Tj5Fc8Gl1Ys0");
constexpr masked the_signature("Hq4-Zt8_Rm3.Vw6!Jx2~Bn7+Kc5=Fs9&Hq4-Zt8_Rm3.Vw6!Jx2~Bn7+Kc5=Fs9&");
// The same in base64url.
constexpr masked the_encoded_signature(
    "SHE0LVp0OF9SbTMuVnc2IUp4Mn5CbjcrS2M1PUZzOSZIcTQtWnQ4X1JtMy5WdzYhSngyfkJuNytLYzU9RnM5Jg");
constexpr masked the_key("-----BEGIN PRIVATE KEY-----\n"
                         "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg9Jr3cWJmAxeZHB5K\n"
                         "XFpYrVArmXok91XrqJ9VdX2k9hehRANCAARf4SEBMWKVAhXjgQ2PwD+t/7eT2kxT\n"
                         "F7LrZS/kxgEtRAk+CywrP86VeeIq9dTlEhMVxdmO7whhOAaSxNbWsiFO\n"
                         "-----END PRIVATE KEY-----\n");
// The key's number in OpenSSL's representation: least significant byte first.
constexpr masked
    the_reversed_number("\x17\xf6\xa4\x7d\x75\x55\x9f\xa8\xeb\x55\xf7\x24\x7a\x99\x2b\x50\xad\x58"
                        "\x5a\x5c\x4a\x1e\x1c\x99\x17\x03\x66\x62\x71\xf7\x9a\xf4");
constexpr char const* the_certificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBeDCCAR+gAwIBAgIUeICJpGN5di25dP8OHLkQDrmmBQ8wCgYIKoZIzj0EAwIw\n"
    "ETEPMA0GA1UEAwwGY2xpZW50MCAXDTI2MTEyNTIyMzI0NFoYDzIxMjYxMTAxMjIz\n"
    "MjQ0WjARMQ8wDQYDVQQDDAZjbGllbnQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
    "AARf4SEBMWKVAhXjgQ2PwD+t/7eT2kxTF7LrZS/kxgEtRAk+CywrP86VeeIq9dTl\n"
    "EhMVxdmO7whhOAaSxNbWsiFOo1MwUTAdBgNVHQ4EFgQUbQgKCvA2EnBgSdJnY4HG\n"
    "JL/Z5/AwHwYDVR0jBBgwFoAUbQgKCvA2EnBgSdJnY4HGJL/Z5/AwDwYDVR0TAQH/\n"
    "BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAO0iOuPN4iquZ9TsikCVSlp79lSyWv\n"
    "0FUlJj2w0pchyAIgYV7ccVpDxXR6tIrya+BNZ0dTzoY4xKvm9nCYp7A7o1U=\n"
    "-----END CERTIFICATE-----\n";

// A secret that must not be in memory, and its name.
struct forbidden
{
    char const* name;
    std::span<char const> masked;
};

std::vector<forbidden> const& all_forbidden()
{
    static std::vector<forbidden> const all{
        {"the client's secret", the_secret.bytes},
        {"the Basic value", the_basic_value.bytes},
        {"the token", the_token.bytes},
        {"the token with escapes", the_escaped_token.bytes},
        {"the proxy's password", the_proxy_password.bytes},
        {"the Basic value for the proxy", the_proxy_value.bytes},
        {"the assertion of a user's function", the_assertion.bytes},
        {"the token of a grant", the_granted_token.bytes},
        {"the introspected token", the_introspected_token.bytes},
        {"an assertion's signature", the_encoded_signature.bytes},
        // Not its text or DER form, of which OpenSSL's readers leave copies.
        {"the private key", the_reversed_number.bytes},
    };
    return all;
}

// The token with a JSON escape.
std::string escaped_token()
{
    return "\\u0065" + the_escaped_token.plain().substr(1);
}

authorization_server make_server()
{
    server_options options;
    options.client_secret = the_secret.plain();
    options.clients.emplace_back();
    options.clients.back().id = options.client_id;
    options.clients.back().assertion_secret = the_secret.plain();
    options.client_certificates = coauth::testing::client_certificates::requested;
    auto server = authorization_server::start(options);
    server->set_response(response::json(
        200, R"({"access_token":")" + the_token.plain() + R"(","token_type":"Bearer"})"));
    for (char const* const path : {"/refused", "/oauth/introspect", "/oauth/revoke"})
    {
        auto refused = response::json(400, R"({"error":"invalid_grant"})");
        refused.path = path;
        server->set_response(refused);
    }
    auto escaped = response::json(200, R"({"access_token":")" + escaped_token() + R"("})");
    escaped.path = "/escaped";
    server->set_response(escaped);
    auto broken = response::json(200, R"({"access_token":")" + escaped_token() + R"(\x"})");
    broken.path = "/broken";
    server->set_response(broken);
    auto echo = response::json(
        401, R"({"error":"invalid_client","error_description":")" + std::string(600, 'x') +
                 the_secret.plain() + R"("})");
    echo.path = "/echo";
    server->set_response(echo);
    auto silent = response::bytes("HTTP/1.1 200 OK\r\n", coauth::testing::response_end::stall);
    silent.path = "/silent";
    server->set_response(silent);
    return std::move(*server);
}

// The search is for pieces of a secret, since `free` overwrites its first bytes.
constexpr std::size_t piece_size = 12;

struct piece
{
    forbidden const* of;
    char const* masked;
    std::size_t size;
    std::size_t found;
};

std::vector<piece> pieces_of(std::vector<forbidden> const& all)
{
    std::vector<piece> pieces;
    for (auto const& one : all)
        for (std::size_t at = 0; at + piece_size <= one.masked.size(); at += piece_size)
            pieces.push_back({&one, one.masked.data() + at, piece_size, 0});
    return pieces;
}

// Secrets that are longer than a register: saved registers on the stack may hold shorter ones.
std::vector<piece> whole(std::vector<forbidden> const& all)
{
    constexpr std::size_t largest_register = 64;
    std::vector<piece> pieces;
    for (auto const& one : all)
        if (one.masked.size() > 2 * largest_register)
            pieces.push_back({&one, one.masked.data(), one.masked.size(), 0});
    return pieces;
}

// Calls no function and is not instrumented, because it searches all of the memory.
__attribute__((no_sanitize("address"), no_sanitize("undefined"))) void
search_range(std::uintptr_t begin, std::uintptr_t end, piece* const parts, std::size_t const count)
{
    bool begins[256] = {};
    for (std::size_t i = 0; i < count; ++i)
        begins[static_cast<unsigned char>(parts[i].masked[0] ^ mask)] = true;
    auto const* const last = reinterpret_cast<unsigned char const*>(end);
    for (auto const* at = reinterpret_cast<unsigned char const*>(begin); at != last; ++at)
    {
        if (!begins[*at])
            continue;
        for (piece* part = parts; part != parts + count; ++part)
        {
            auto const room = static_cast<std::size_t>(last - at);
            std::size_t same = 0;
            while (same < part->size && same < room &&
                   at[same] == static_cast<unsigned char>(part->masked[same] ^ mask))
                ++same;
            part->found += same == part->size ? 1U : 0U;
        }
    }
}

using findings = std::map<std::string_view, std::size_t>;

// Searches the heap, the stack and other memory without a file.
findings search_memory(std::vector<forbidden> const& all)
{
    // The reserved memory of a sanitizer is larger.
    constexpr std::uintptr_t largest = std::uintptr_t(1) << 26U;
    auto parts = pieces_of(all);
    auto on_stack = whole(all);
    std::vector<std::string> lines;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        lines.push_back(line);
    for (auto const& line : lines)
    {
        std::istringstream fields(line);
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        char dash = 0;
        std::string rights;
        std::string skipped;
        std::string name;
        fields >> std::hex >> begin >> dash >> end >> rights >> skipped >> skipped >> skipped >>
            name;
        bool const searched = rights.starts_with("rw") && (name.empty() || name == "[heap]");
        if (searched && end - begin < largest)
            search_range(begin, end, parts.data(), parts.size());
        if (name == "[stack]")
            search_range(begin, end, on_stack.data(), on_stack.size());
    }
    findings found;
    parts.insert(parts.end(), on_stack.begin(), on_stack.end());
    for (auto const& part : parts)
        if (part.found != 0)
            found[part.of->name] += part.found;
    return found;
}

void check_memory()
{
    for (auto const& [name, count] : search_memory(all_forbidden()))
        BOOST_TEST(count == 0U, name << " is in memory");
}

// Whether the text is in memory.
bool is_in_memory(std::span<char const> masked)
{
    return !search_memory({{"it", masked}}).empty();
}

using authentication = coauth::client_authentication;

// One use of secrets, and the secret that is in memory during it.
struct secret_case
{
    char const* name;
    std::function<void(coauth::client_config&)> configure;
    std::span<char const> held;
    std::function<coauth::token_request()> request = [] { return coauth::token_request(); };
    char const* expected = "success";
};

std::function<void(coauth::client_config&)> with_authentication(authentication (*make)())
{
    return [make](coauth::client_config& config) { config.authentication = make(); };
}

authentication by_secret()
{
    return authentication::client_secret_basic("client", the_secret.secret());
}

coauth::signing_key key()
{
    return coauth::signing_key::pem(the_key.secret());
}

std::vector<secret_case> client_cases()
{
    return {
        {"client_secret_basic", with_authentication(by_secret), the_secret.bytes},
        {"client_secret_post",
         with_authentication(
             [] { return authentication::client_secret_post("client", the_secret.secret()); }),
         the_secret.bytes},
        {"client_secret_jwt",
         with_authentication(
             [] { return authentication::client_secret_jwt("client", the_secret.secret()); }),
         the_secret.bytes},
        {"a function",
         with_authentication(
             []
             {
                 return authentication::client_secret_basic(
                     "client",
                     []() -> coauth::result<coauth::secret> { return the_secret.secret(); });
             }),
         the_token.bytes},
        {"private_key_jwt",
         with_authentication([] { return authentication::private_key_jwt("client", key()); }),
         the_key.bytes},
        {"private_key_jwt by a signer",
         with_authentication(
             []
             {
                 return authentication::private_key_jwt(
                     "client", coauth::signing_key::signer(
                                   coauth::signature_algorithm::es256,
                                   [](std::string const&, auto const& done)
                                   { done(the_signature.plain()); }));
             }),
         the_token.bytes},
        {"client_assertion",
         with_authentication(
             []
             {
                 return authentication::client_assertion(
                     "client",
                     []() -> coauth::result<coauth::secret> { return the_assertion.secret(); });
             }),
         the_token.bytes},
        {"self_signed_tls_client_auth",
         [](coauth::client_config& config)
         {
             config.authentication = authentication::self_signed_tls_client_auth("client");
             config.tls.certificate_pem = the_certificate;
             config.tls.key_pem = the_key.secret();
         },
         the_key.bytes},
        {"DPoP",
         [](coauth::client_config& config)
         {
             config.authentication = by_secret();
             config.dpop = std::make_shared<coauth::dpop_prover>(key());
         },
         the_key.bytes, [] { return coauth::token_request(); }, "unexpected_token_type"},
    };
}

std::function<void(coauth::client_config&)> requesting_from(char const* path)
{
    return [path](coauth::client_config& config)
    {
        config.authentication = by_secret();
        config.server.token_endpoint = config.server.issuer + path;
    };
}

std::vector<secret_case> request_cases()
{
    return {
        {"a refresh token", with_authentication(by_secret), the_granted_token.bytes,
         [] { return coauth::token_request::refresh_token(the_granted_token.secret()); }},
        {"a subject token", with_authentication(by_secret), the_granted_token.bytes,
         [] { return coauth::token_request::token_exchange(the_granted_token.secret()); }},
        {"a refused request",
         [](coauth::client_config& config)
         {
             config.authentication = by_secret();
             config.server.token_endpoint = config.server.issuer + "/refused";
         },
         the_secret.bytes, [] { return coauth::token_request::jwt_bearer(the_assertion.secret()); },
         "invalid_grant"},
        {"a token with escapes", requesting_from("/escaped"), the_escaped_token.bytes},
        {"a token with escapes, and a fault behind it", requesting_from("/broken"),
         the_secret.bytes, [] { return coauth::token_request(); }, "malformed_response"},
        {"a secret in the words of an error", requesting_from("/echo"), the_secret.bytes,
         [] { return coauth::token_request(); }, "invalid_client"},
        {"a secret in the words of an error, and a log",
         [](coauth::client_config& config)
         {
             requesting_from("/echo")(config);
             config.debug = [](std::string_view) {};
             config.keep_headers = true;
         },
         the_secret.bytes, [] { return coauth::token_request(); }, "invalid_client"},
        {"a request without a response",
         [](coauth::client_config& config)
         {
             config.authentication = by_secret();
             config.server.token_endpoint = config.server.issuer + "/silent";
         },
         the_secret.bytes, []
         { return coauth::token_request::refresh_token(the_granted_token.secret()); }, "cancelled"},
        {"a proxy",
         [](coauth::client_config& config)
         {
             config.authentication = by_secret();
             // The server's port refuses the CONNECT request.
             config.proxy.url = "http://" + config.server.issuer.substr(8);
             config.proxy.user = "proxy";
             config.proxy.password = the_proxy_password.secret();
         },
         the_proxy_password.bytes, [] { return coauth::token_request(); }, "connection_lost"},
    };
}

// Uses a client and a source, and checks that their secret is in memory meanwhile.
void use(server_process const& server, secret_case const& how)
{
    asio::io_context context;
    auto config = server.config();
    config.retry.max_attempts = 1;
    how.configure(config);
    coauth::client client(context.get_executor(), config);
    coauth::token_source source(client, how.request());
    asio::cancellation_signal signal;
    std::vector<std::string> ends;
    auto const add_outcome = [&](auto const& got)
    { ends.push_back(got ? "success" : std::string(to_string(got.error().value()))); };
    source.async_get_access_token(asio::bind_cancellation_slot(signal.slot(), add_outcome));
    client.async_introspect(the_introspected_token.secret(), {}, [](auto const&) {});
    client.async_revoke(the_introspected_token.secret(), {}, [](auto const&) {});
    context.run_for(std::string_view(how.expected) == "cancelled" ? 500ms : 10s);
    signal.emit(asio::cancellation_type::terminal);
    context.restart();
    context.run_for(100ms);
    BOOST_TEST(ends == std::vector<std::string>{how.expected}, boost::test_tools::per_element());
    BOOST_TEST(is_in_memory(how.held));
}

} // namespace

BOOST_AUTO_TEST_CASE(the_search_finds_a_copy)
{
    constexpr masked text("Jv2Np7Tq4Xz9Bk5Rw8Lh3Fd6Gs1Mc0Yy");
    BOOST_TEST(!is_in_memory(text.bytes));
    auto const copy = std::make_unique<std::string>(text.plain());
    BOOST_TEST(is_in_memory(text.bytes));
}

BOOST_AUTO_TEST_CASE(the_search_finds_a_copy_that_was_freed)
{
    constexpr masked text("Wd5Hm9Cx3Vt7Pq2Zj8Kb4Ln6Rf1Sg0Ee");
    BOOST_TEST(!is_in_memory(text.bytes));
    // Of a size that the search does not allocate itself, so that the freed block is not reused.
    auto copy = std::make_unique<std::string>();
    copy->reserve(960);
    copy->append(900, 'x').append(text.plain());
    // Otherwise the compiler may omit the writes.
    asm volatile("" : : "r"(copy->data()) : "memory");
    copy.reset();
    BOOST_TEST(is_in_memory(text.bytes));
}

BOOST_AUTO_TEST_CASE(no_secret_is_left_after_its_owners_are_destroyed)
{
    server_process const server(make_server);
    auto cases = client_cases();
    for (auto& secret_case : request_cases())
        cases.push_back(secret_case);
    for (auto const& secret_case : cases)
        BOOST_TEST_CONTEXT(secret_case.name)
        {
            use(server, secret_case);
            check_memory();
        }
}

BOOST_AUTO_TEST_SUITE_END()
