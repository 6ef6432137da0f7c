#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <sstream>

namespace test
{

namespace
{

// As in `token_body`.
constexpr std::string_view the_token = "tok.en-1";

void check_text(std::string_view text, std::string_view also)
{
    std::vector<std::string_view> const forbidden{
        client_secret,
        "p%3AS+3%2Bcr%2F%25t%26%3D%C3%BC",
        "p%3AS%203%2Bcr%2F%25t%26%3D%C3%BC",
        basic_value,
        raw_basic_value,
        also};
    for (auto const word : forbidden)
        if (!word.empty())
            BOOST_TEST(text.find(word) == std::string::npos, "a secret in: " << text);
}

class eavesdropper : public coauth::observer
{
    void on_attempt_failed(coauth::attempt_failed const& e) override { look_at(e.why); }
    void on_fetch_failed(coauth::fetch_failed const& e) override { look_at(e.why); }

    static void look_at(coauth::error const& why)
    {
        std::ostringstream text;
        text << why << why.message();
        check_text(text.str(), the_token);
    }
};

} // namespace

server_options options()
{
    server_options chosen;
    chosen.client_id = client_id;
    chosen.client_secret = client_secret;
    return chosen;
}

authorization_server start(server_options chosen)
{
    auto server = authorization_server::start(std::move(chosen));
    if (!server)
        BOOST_FAIL("the server does not start: " << server.error());
    return std::move(*server);
}

token_result fetch(coauth::client_config config, coauth::token_request const& request)
{
    return fetch_unheard(overheard(std::move(config)), request);
}

token_result fetch_unheard(coauth::client_config config, coauth::token_request const& request)
{
    // Each failure is looked at as it is: repetition has tests of its own.
    config.retry.max_attempts = 1;
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), config);
    std::vector<token_result> got;
    client.async_get_access_token(request, [&](token_result r) { got.push_back(std::move(r)); });
    BOOST_TEST(got.empty(), "completed within the initiating function");
    context.run();
    BOOST_REQUIRE_EQUAL(got.size(), 1U);
    return got.front();
}

std::vector<token_result> fetch_many(coauth::client_config config, std::size_t count)
{
    config.retry.max_attempts = 1;
    boost::asio::io_context context;
    coauth::client client(context.get_executor(), overheard(config));
    std::vector<token_result> got;
    for (std::size_t i = 0; i < count; ++i)
        client.async_get_access_token(
            coauth::token_request(), [&](token_result r) { got.push_back(std::move(r)); });
    context.run();
    BOOST_REQUIRE_EQUAL(got.size(), count);
    return got;
}

coauth::access_token const& require_token(token_result const& got)
{
    if (!got)
        BOOST_FAIL("no token: " << got.error());
    return *got;
}

void check_no_secret(token_result const& got, std::string_view also)
{
    if (got)
        return;
    auto const& e = got.error();
    std::ostringstream text;
    text << e << e.message() << e.context() << e.description() << e.uri() << e.oauth_error()
         << e.cause().message();
    check_text(text.str(), also);
}

coauth::client_config overheard(coauth::client_config config)
{
    if (!config.debug)
        config.debug = [](std::string_view text) { check_text(text, the_token); };
    if (!config.observer)
        config.observer = std::make_shared<eavesdropper>();
    return config;
}

std::string http_answer(std::string_view body, std::string_view more_headers)
{
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(more_headers) + "\r\n" + std::string(body);
}

} // namespace test
