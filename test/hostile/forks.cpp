// A process forks while it has a client: what the child does to its copies does not reach the
// parent, and the child can begin anew.

#include "fixture.hpp"
#include "server_process.hpp"
#include "test_keys.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <functional>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>

using namespace test;
namespace asio = boost::asio;

namespace
{

authorization_server make_server()
{
    auto server = start();
    server.set_response(response::json(200, token_body));
    return server;
}

coauth::client_config config_of(server_process const& server)
{
    auto config = server.config();
    config.authentication = coauth::client_authentication::client_secret_basic(
        client_id, coauth::secret(client_secret));
    return config;
}

// With a fetched token, and an idle TLS connection.
struct used
{
    explicit used(coauth::client_config const& config)
    {
        client.emplace(context.get_executor(), config);
        source.emplace(*client);
        BOOST_TEST(outcome(get()) == "success");
    }

    token_result get()
    {
        std::vector<token_result> got;
        client->async_get_access_token(
            coauth::token_request(), [&](token_result r) { got.push_back(std::move(r)); });
        source->async_get_access_token([](token_result const&) {});
        context.restart();
        context.run();
        BOOST_REQUIRE_EQUAL(got.size(), 1U);
        return got.front();
    }

    asio::io_context context;
    std::optional<coauth::client> client;
    std::optional<coauth::token_source> source;
};

// What the child wrote; it ends behind the function.
std::string say_in_child(used& in, std::function<std::string()> const& child)
{
    std::array<int, 2> up{};
    BOOST_REQUIRE(::pipe(up.data()) == 0);
    in.context.notify_fork(asio::io_context::fork_prepare);
    auto const process = ::fork();
    if (process == 0)
    {
        in.context.notify_fork(asio::io_context::fork_child);
        auto const text = child();
        bool const told = ::write(up[1], text.data(), text.size()) >= 0;
        ::_exit(told ? 0 : 1);
    }
    in.context.notify_fork(asio::io_context::fork_parent);
    ::close(up[1]);
    std::string said;
    for (char c = 0; ::read(up[0], &c, 1) == 1;)
        said += c;
    ::close(up[0]);
    int status = -1;
    BOOST_TEST(::waitpid(process, &status, 0) == process);
    BOOST_TEST(status == 0);
    return said;
}

} // namespace

BOOST_AUTO_TEST_SUITE(forks)

BOOST_AUTO_TEST_CASE(leave_the_parents_connection_alone)
{
    server_process const server(make_server);
    used in(config_of(server));
    auto const opened = in.client->counters().connections_opened;
    auto const said = say_in_child(
        in,
        [&]
        {
            auto const token = in.source->try_get();
            in.source.reset();
            in.client.reset();
            return token ? std::string(token.value()) : "none";
        });
    BOOST_TEST(said == "tok.en-1");
    BOOST_TEST(outcome(in.get()) == "success");
    BOOST_TEST(in.client->counters().connections_opened == opened);
}

BOOST_AUTO_TEST_CASE(let_the_child_begin_anew)
{
    server_process const server(make_server);
    auto const config = config_of(server);
    used in(config);
    auto const said = say_in_child(in, [&] { return outcome(used(config).get()); });
    BOOST_TEST(said == "success");
    BOOST_TEST(outcome(in.get()) == "success");
}

// Two processes must not use the same random numbers.
BOOST_AUTO_TEST_CASE(do_not_repeat_what_is_used_once)
{
    server_process const server(make_server);
    used in(config_of(server));
    test_key const key("P-256");
    coauth::assertion_claims claims;
    claims.issuer = claims.audience = "https://as.example";
    auto const sign =
        coauth::jwt_assertion(coauth::signing_key::pem(coauth::secret(key.private_pem())), claims);
    auto const number = [&]
    {
        auto const made = sign();
        return boost::json::serialize(part_of(made->view(), 1).at("jti"));
    };
    (void)number();
    auto const childs = say_in_child(in, number);
    auto const ours = number();
    BOOST_TEST(childs.size() == ours.size());
    BOOST_TEST(childs != ours);
}

BOOST_AUTO_TEST_SUITE_END()
