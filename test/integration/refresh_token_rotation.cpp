// A token source whose request presents a refresh token that the server replaces with each
// response, and whose reuse it refuses.

#include "token_source_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(refresh_token_rotation)

using coauth::secret;
using coauth::token_request;

namespace
{

server_options rotating()
{
    auto chosen = options();
    chosen.grants = {"refresh_token"};
    chosen.refresh_tokens = {"the-first", "the-second"};
    chosen.rotate_refresh_tokens = true;
    return chosen;
}

struct rotation_fixture
{
    // Replaces the source.
    void use(token_request request, coauth::token_source_options options = {})
    {
        options.on_token = [this](coauth::access_token const& token)
        {
            reported.emplace_back(token.refresh_token());
            if (then)
                then();
        };
        tokens.emplace(client, std::move(request), std::move(options));
    }
    token_result get_new()
    {
        std::optional<token_result> got;
        tokens->async_get_new_access_token([&](token_result r) { got = std::move(r); });
        context.restart();
        context.run();
        BOOST_REQUIRE(got);
        return *got;
    }

    authorization_server server = start(rotating());
    asio::io_context context;
    coauth::client client{context.get_executor(), with_log_scan(server.config())};
    std::optional<coauth::token_source> tokens;
    // The refresh tokens that were reported to the program.
    std::vector<std::string> reported;
    std::function<void()> then;
};

// A function that returns the refresh token, from those that were reported.
using provider = std::function<std::string(std::vector<std::string> const& reported)>;

} // namespace

BOOST_AUTO_TEST_CASE(is_followed_over_several_fetches)
{
    struct row
    {
        char const* name;
        provider provide;
    };
    auto const at_best = [](std::vector<std::string> const& reported, std::size_t late)
    { return reported.size() > late ? reported[reported.size() - 1 - late] : "the-first"; };
    for (auto const& [name, provide] :
         std::vector<row>{
             {"a value", nullptr},
             {"a function that does not follow", [](auto const&) { return "the-first"; }},
             {"a function that follows",
              [=](auto const& reported) { return at_best(reported, 0); }},
             {"a function that is late",
              [=](auto const& reported) { return at_best(reported, 2); }}})
        BOOST_TEST_CONTEXT(name)
        {
            rotation_fixture t;
            if (provide)
                t.use(token_request::refresh_token(
                    [&, provide]() -> coauth::result<secret>
                    { return secret(provide(t.reported)); }));
            else
                t.use(token_request::refresh_token(secret("the-first")));
            for (int i = 0; i < 6; ++i)
                BOOST_TEST(outcome(t.get_new()) == "success");
            BOOST_TEST(t.reported.size() == 6U);
            BOOST_TEST(t.reported.front() != t.reported.back());
        }
}

// After a new login the function returns a token that the source has never seen.
BOOST_AUTO_TEST_CASE(begins_anew_with_an_unknown_token_of_the_function)
{
    rotation_fixture t;
    std::string provided = "the-first";
    t.use(token_request::refresh_token(
        [&]() -> coauth::result<secret> { return secret(std::string_view(provided)); }));
    for (int i = 0; i < 2; ++i)
        BOOST_TEST(outcome(t.get_new()) == "success");
    provided = "the-second";
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(outcome(t.get_new()) == "success");
    auto const requests = t.server.requests();
    BOOST_REQUIRE_EQUAL(requests.size(), 5U);
    BOOST_TEST(requests[2].body.find("the-second") != std::string::npos);
    BOOST_TEST(requests[3].body.find("the-second") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(keeps_the_token_of_a_server_that_does_not_replace_it)
{
    rotation_fixture t;
    for (int i = 0; i < 3; ++i)
        t.server.push_response(response::json(200, token_document("a" + std::to_string(i))));
    t.use(token_request::refresh_token(secret("the-first")));
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(outcome(t.get_new()) == "success");
    for (auto const& request : t.server.requests())
        BOOST_TEST(request.body.find("refresh_token=the-first") != std::string::npos);
    BOOST_TEST(t.reported == std::vector<std::string>(3), boost::test_tools::per_element());
}

// Nobody waits, but the response may have the only token for the next fetch.
BOOST_AUTO_TEST_CASE(is_not_lost_when_a_fetch_is_unwanted)
{
    rotation_fixture t;
    coauth::token_source_options options;
    options.cancel_when_unwaited = true;
    t.use(token_request::refresh_token(secret("the-first")), options);
    asio::cancellation_signal stop;
    std::optional<token_result> got;
    t.tokens->async_get_access_token(
        asio::bind_cancellation_slot(stop.slot(), [&](token_result r) { got = std::move(r); }));
    stop.emit(asio::cancellation_type::total);
    t.context.run();
    BOOST_REQUIRE(got);
    BOOST_TEST(outcome(*got) == "cancelled");
    BOOST_TEST(t.reported.size() == 1U);
    BOOST_TEST(outcome(t.get_new()) == "success");
}

// Before any call gets the token, without a lock, and whatever the function does.
BOOST_AUTO_TEST_CASE(tells_the_program_before_the_token_is_returned)
{
    rotation_fixture t;
    t.use(token_request::refresh_token(secret("the-first")));
    bool had_token = true;
    t.then = [&]
    {
        had_token = static_cast<bool>(t.tokens->try_get());
        (void)t.tokens->status();
        throw std::runtime_error("mine");
    };
    BOOST_TEST(outcome(t.get_new()) == "success");
    BOOST_TEST(!had_token);
    BOOST_TEST(t.tokens->try_get().refresh_token() == t.reported.at(0));
}

BOOST_AUTO_TEST_CASE(tells_the_program_of_a_token_that_comes_while_the_source_closes)
{
    rotation_fixture t;
    t.use(token_request::refresh_token(secret("the-first")));
    t.then = [&] { t.tokens->close(); };
    BOOST_TEST(outcome(t.get_new()) == "cancelled");
    BOOST_TEST(t.reported.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
