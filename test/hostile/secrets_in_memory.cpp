// When all is destroyed, no copy of what was secret is left in memory that can be written to. What
// is looked for is kept masked here, and the server has a process of its own.

#include <coauth/coauth.hpp>
#include <coauth/testing/authorization_server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <span>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace
{

constexpr char mask = '\x5A';

// A text whose characters stand nowhere as they are.
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
// How each assertion of ours begins: {"alg":"
constexpr masked an_assertion("eyJhbGciOi");

// A process that runs the server, and ends with this.
class server_process
{
public:
    server_process()
    {
        std::array<int, 2> up{};
        std::array<int, 2> down{};
        BOOST_REQUIRE(::pipe(up.data()) == 0 && ::pipe(down.data()) == 0);
        process_ = ::fork();
        if (process_ == 0)
        {
            ::close(down[1]);
            serve(up[1], down[0]);
        }
        ::close(up[1]);
        ::close(down[0]);
        lifeline_ = down[1];
        std::string said;
        for (char c = 0; ::read(up[0], &c, 1) == 1;)
            said += c;
        ::close(up[0]);
        std::istringstream lines(said);
        lines >> port >> std::ws;
        std::getline(lines, ca_pem, '\0');
    }
    ~server_process()
    {
        ::close(lifeline_);
        (void)::waitpid(process_, nullptr, 0);
    }
    server_process(server_process const&) = delete;
    server_process& operator=(server_process const&) = delete;

    std::uint16_t port = 0;
    std::string ca_pem;

private:
    [[noreturn]] static void serve(int up, int lifeline)
    {
        coauth::testing::server_options options;
        options.client_secret = the_secret.plain();
        options.clients.emplace_back();
        options.clients.back().id = options.client_id;
        options.clients.back().assertion_secret = the_secret.plain();
        auto server = coauth::testing::authorization_server::start(options);
        server->always(coauth::testing::answer::json(
            200, R"({"access_token":")" + the_token.plain() + R"(","token_type":"Bearer"})"));
        auto const text = std::to_string(server->port()) + "\n" + server->ca_pem();
        bool const told = ::write(up, text.data(), text.size()) > 0;
        ::close(up);
        char c = 0;
        (void)::read(lifeline, &c, 1);
        ::_exit(told ? 0 : 1);
    }

    int lifeline_ = -1;
    int process_ = -1;
};

// Without a function of the library's or the sanitizers': all of the memory is looked at.
__attribute__((no_sanitize("address"))) std::size_t
count_between(std::uintptr_t begin, std::uintptr_t end, std::span<char const> what)
{
    std::size_t count = 0;
    auto const* const first = reinterpret_cast<char const volatile*>(begin);
    std::size_t const size = end - begin;
    for (std::size_t i = 0; i + what.size() <= size; ++i)
    {
        std::size_t same = 0;
        while (same < what.size() && first[i + same] == static_cast<char>(what[same] ^ mask))
            ++same;
        count += same == what.size() ? 1U : 0U;
    }
    return count;
}

// In the heap and in other memory without a file; not on the stack, which nobody wipes.
std::size_t count_copies(std::span<char const> what)
{
    // What a sanitizer reserves for itself is larger.
    constexpr std::uintptr_t largest = std::uintptr_t(1) << 26U;
    std::vector<std::string> lines;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        lines.push_back(line);
    std::size_t count = 0;
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
        bool const looked_at = rights.starts_with("rw") && (name.empty() || name == "[heap]");
        if (looked_at && end - begin < largest)
            count += count_between(begin, end, what);
    }
    return count;
}

void check_memory()
{
    BOOST_TEST(count_copies(the_secret.bytes) == 0U, "the client's secret is in memory");
    BOOST_TEST(count_copies(the_basic_value.bytes) == 0U, "the Basic value is in memory");
    BOOST_TEST(count_copies(the_token.bytes) == 0U, "the token is in memory");
    BOOST_TEST(count_copies(an_assertion.bytes) == 0U, "a client assertion is in memory");
}

coauth::client_config config_for(server_process const& server)
{
    coauth::client_config config;
    config.server.token_endpoint =
        "https://127.0.0.1:" + std::to_string(server.port) + "/oauth/token";
    config.tls.ca_pem = server.ca_pem;
    return config;
}

} // namespace

BOOST_AUTO_TEST_SUITE(secrets_in_memory)

BOOST_AUTO_TEST_CASE(a_copy_is_found)
{
    BOOST_TEST(count_copies(the_token.bytes) == 0U);
    auto const copy = the_token.plain();
    BOOST_TEST(count_copies(the_token.bytes) == 1U);
}

BOOST_AUTO_TEST_CASE(are_gone_with_what_held_them)
{
    using who = coauth::client_authentication;
    server_process const server;
    struct row
    {
        char const* name;
        std::function<who()> how;
    };
    for (auto const& row :
         std::vector<row>{
             {"client_secret_basic",
              [] { return who::client_secret_basic("client", the_secret.secret()); }},
             {"client_secret_post",
              [] { return who::client_secret_post("client", the_secret.secret()); }},
             {"client_secret_jwt",
              [] { return who::client_secret_jwt("client", the_secret.secret()); }},
             {"a function", []
              {
                  return who::client_secret_basic(
                      "client",
                      []() -> coauth::result<coauth::secret> { return the_secret.secret(); });
              }}})
        BOOST_TEST_CONTEXT(row.name)
        {
            {
                asio::io_context context;
                auto config = config_for(server);
                config.authentication = row.how();
                coauth::client client(context.get_executor(), config);
                coauth::token_source source(client);
                int tokens = 0;
                source.async_get_access_token([&](coauth::result<coauth::access_token> const& got)
                                              { tokens += got ? 1 : 0; });
                client.async_get_access_token(
                    coauth::token_request().scope("read"),
                    [&](coauth::result<coauth::access_token> const& got)
                    { tokens += got ? 1 : 0; });
                context.run_for(10s);
                BOOST_TEST(tokens == 2);
                BOOST_TEST(count_copies(the_secret.bytes) != 0U);
                BOOST_TEST(count_copies(the_token.bytes) != 0U);
            }
            check_memory();
        }
}

BOOST_AUTO_TEST_SUITE_END()
