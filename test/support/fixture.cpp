#include "fixture.hpp"

#include "sanitizers.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <set>
#include <sstream>

namespace test
{

namespace
{

// The token of `token_body`.
constexpr std::string_view the_token = "tok.en-1";

// Finds a long run of random characters, which may be an issued token, a part of an assertion or a
// line of a key.
std::string_view find_random(std::string_view text)
{
    constexpr std::size_t shortest_secret = 36;
    constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    constexpr std::string_view digits = "0123456789";
    auto const is_part = [](unsigned char c)
    { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '+'; };
    for (auto begin = text.begin(); begin != text.end();)
    {
        begin = std::find_if(begin, text.end(), is_part);
        auto const end = std::find_if_not(begin, text.end(), is_part);
        std::string_view const run(begin, end);
        bool const mixed = run.find_first_of(upper) != std::string_view::npos &&
                           run.find_first_of(digits) != std::string_view::npos;
        if (run.size() >= shortest_secret && mixed && std::set(begin, end).size() >= 16)
            return run;
        begin = end;
    }
    return {};
}

// May be called from any thread.
void check_text(std::string_view text, std::string_view also)
{
    static std::mutex one_at_a_time;
    for (std::string_view const word :
         {std::string_view(client_secret), std::string_view("p%3AS+3%2Bcr%2F%25t%26%3D%C3%BC"),
          std::string_view("p%3AS%203%2Bcr%2F%25t%26%3D%C3%BC"), std::string_view(basic_value),
          std::string_view(raw_basic_value), also, find_random(text)})
    {
        if (word.empty() || text.find(word) == std::string_view::npos)
            continue;
        std::lock_guard const lock(one_at_a_time);
        BOOST_ERROR("a secret in: " << text);
    }
}

// The other events contain numbers only.
class log_scanner : public coauth::observer
{
    void on_phase_ended(coauth::phase_ended const& e) override
    {
        check_text(std::string(to_string(e.phase)) + e.failure.message(), the_token);
    }
    void on_attempt_failed(coauth::attempt_failed const& e) override { check_error(e.error); }
    void on_fetch_started(coauth::fetch_started const& e) override
    {
        check_text(to_string(e.reason), the_token);
    }
    void on_fetch_failed(coauth::fetch_failed const& e) override { check_error(e.error); }

    static void check_error(coauth::error const& failure)
    {
        std::ostringstream text;
        text << failure << failure.message();
        check_text(text.str(), the_token);
    }
};

} // namespace

server_options options()
{
    server_options settings;
    settings.client_id = client_id;
    settings.client_secret = client_secret;
    return settings;
}

authorization_server start(server_options settings)
{
    auto server = authorization_server::start(std::move(settings));
    if (!server)
        BOOST_FAIL("the server does not start: " << server.error());
    return std::move(*server);
}

token_result fetch(coauth::client_config config, coauth::token_request const& request)
{
    return fetch_without_log_scan(with_log_scan(std::move(config)), request);
}

token_result
fetch_without_log_scan(coauth::client_config config, coauth::token_request const& request)
{
    // Retries have tests of their own.
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
    coauth::client client(context.get_executor(), with_log_scan(config));
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

coauth::client_config with_log_scan(coauth::client_config config)
{
    // The scan takes a lock: its ordering would hide data races from ThreadSanitizer.
    if (thread_sanitizer)
        return config;
    if (!config.debug)
        config.debug = [](std::string_view text) { check_text(text, the_token); };
    if (!config.observer)
        config.observer = std::make_shared<log_scanner>();
    return config;
}

std::string http_response(std::string_view body, std::string_view more_headers)
{
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(more_headers) + "\r\n" + std::string(body);
}

} // namespace test
