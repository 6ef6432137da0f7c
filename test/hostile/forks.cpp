// A process with a client forks: the child's use of its copies does not affect the parent, and the
// child can make a client of its own.

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

BOOST_AUTO_TEST_SUITE(forks)

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

// A client with an idle connection, and a token source with a token.
struct client_with_token
{
    explicit client_with_token(coauth::client_config const& config)
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

// Runs the function in a child process and returns its result.
std::string run_in_child(client_with_token& in, std::function<std::string()> const& child)
{
    std::array<int, 2> pipe_ends{};
    BOOST_REQUIRE(::pipe(pipe_ends.data()) == 0);
    in.context.notify_fork(asio::io_context::fork_prepare);
    auto const process = ::fork();
    if (process == 0)
    {
        in.context.notify_fork(asio::io_context::fork_child);
        auto const text = child();
        bool const written = ::write(pipe_ends[1], text.data(), text.size()) >= 0;
        ::_exit(written ? 0 : 1);
    }
    in.context.notify_fork(asio::io_context::fork_parent);
    ::close(pipe_ends[1]);
    std::string text_of_child;
    for (char c = 0; ::read(pipe_ends[0], &c, 1) == 1;)
        text_of_child += c;
    ::close(pipe_ends[0]);
    int status = -1;
    BOOST_TEST(::waitpid(process, &status, 0) == process);
    BOOST_TEST(status == 0);
    return text_of_child;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_forked_child_does_not_affect_its_parents_connection)
{
    server_process const server(make_server);
    client_with_token in(config_of(server));
    auto const opened = in.client->counters().connections_opened;
    auto const text_of_child = run_in_child(
        in,
        [&]
        {
            auto const token = in.source->try_get();
            in.source.reset();
            in.client.reset();
            return token ? std::string(token.value()) : "none";
        });
    BOOST_TEST(text_of_child == "tok.en-1");
    BOOST_TEST(outcome(in.get()) == "success");
    BOOST_TEST(in.client->counters().connections_opened == opened);
}

BOOST_AUTO_TEST_CASE(a_forked_child_can_make_a_client_of_its_own)
{
    server_process const server(make_server);
    auto const config = config_of(server);
    client_with_token in(config);
    auto const text_of_child =
        run_in_child(in, [&] { return outcome(client_with_token(config).get()); });
    BOOST_TEST(text_of_child == "success");
    BOOST_TEST(outcome(in.get()) == "success");
}

// Two processes must not use the same random numbers.
BOOST_AUTO_TEST_CASE(a_forked_child_does_not_repeat_the_jti_of_its_parents_assertions)
{
    server_process const server(make_server);
    client_with_token in(config_of(server));
    test_key const key("P-256");
    coauth::assertion_claims claims;
    claims.issuer = claims.audience = "https://as.example";
    auto const sign =
        coauth::jwt_assertion(coauth::signing_key::pem(coauth::secret(key.private_pem())), claims);
    auto const new_jti = [&]
    {
        auto const assertion = sign();
        return boost::json::serialize(part_of(assertion->view(), 1).at("jti"));
    };
    (void)new_jti();
    auto const jti_of_child = run_in_child(in, new_jti);
    auto const jti_of_parent = new_jti();
    BOOST_TEST(jti_of_child.size() == jti_of_parent.size());
    BOOST_TEST(jti_of_child != jti_of_parent);
}

BOOST_AUTO_TEST_SUITE_END()
