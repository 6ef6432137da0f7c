// Credentials that change while a token source is in use.

#include "token_source_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(token_source_credentials)

using coauth::token_source_options;

// The function is called for each fetch, and once more if the secret was refused.
BOOST_AUTO_TEST_CASE(a_changed_secret_is_tried_once_and_ends_the_back_off)
{
    token_source_fixture t;
    std::string present = "old";
    int calls = 0;
    auto config = t.config();
    config.authentication = coauth::client_authentication::client_secret_post(
        client_id,
        [&]() -> coauth::result<coauth::secret>
        {
            ++calls;
            return coauth::secret(std::string_view(present));
        });
    coauth::client changing(t.context.get_executor(), with_log_scan(config));
    token_source_options options;
    options.initial_back_off = 60s;
    t.tokens.emplace(changing, coauth::token_request(), options);
    auto const refusal = response::json(401, R"({"error":"invalid_client"})");

    // The secret changed while the request was in flight.
    t.server.push_response(late(1000ms, refusal));
    t.server.push_response(response::json(200, token_document("a")));
    t.tokens->async_get_access_token(t.into_results());
    t.run_until_requests(1);
    present = "new";
    t.run();
    BOOST_TEST(outcome(t.results.at(0)) == "success");
    auto const requests = t.server.requests();
    BOOST_REQUIRE_EQUAL(requests.size(), 2U);
    BOOST_TEST(requests[0].body.find("client_secret=old") != std::string::npos);
    BOOST_TEST(requests[1].body.find("client_secret=new") != std::string::npos);

    // It has not changed: one attempt, then a back-off.
    t.results.clear();
    t.server.push_response(refusal);
    t.tokens->async_get_new_access_token(t.into_results());
    t.run();
    BOOST_TEST(outcome(t.results.at(0)) == "invalid_client");
    BOOST_TEST(t.requests() == 3U);
    (void)t.tokens->invalidate(t.tokens->try_get());
    t.tokens->async_get_access_token(t.into_results());
    t.run();
    BOOST_TEST(outcome(t.results.at(1)) == "invalid_client");
    BOOST_TEST(t.requests() == 3U);

    // It changes: a later caller does not wait for the end of the back-off.
    present = "newest";
    std::this_thread::sleep_for(1100ms);
    t.tokens->async_get_access_token(t.into_results());
    t.run();
    BOOST_TEST(t.requests() == 4U);
    BOOST_TEST(t.server.requests().back().body.find("client_secret=newest") != std::string::npos);
    for (auto const& r : t.results)
        check_no_secret(r, "newest");
}

// Like assertions, which are new for each request. A change ends one back-off, the next one holds.
BOOST_AUTO_TEST_CASE(credentials_that_always_change_do_not_defeat_the_back_off)
{
    token_source_fixture t;
    int calls = 0;
    auto config = t.config();
    config.authentication = coauth::client_authentication::client_assertion(
        client_id, [&]() -> coauth::result<coauth::secret>
        { return coauth::secret("assertion-" + std::to_string(++calls)); });
    coauth::client changing(t.context.get_executor(), with_log_scan(config));
    token_source_options options;
    options.initial_back_off = 60s;
    t.tokens.emplace(changing, coauth::token_request(), options);
    t.server.set_response(response::json(401, R"({"error":"invalid_client"})"));
    std::vector<std::size_t> requests;
    for (int second = 0; second < 4; ++second)
    {
        for (int i = 0; i < 20; ++i)
        {
            t.tokens->async_get_access_token(t.into_results());
            t.run();
        }
        requests.push_back(t.requests());
        std::this_thread::sleep_for(1020ms);
    }
    auto const all = requests.back();
    BOOST_TEST(requests.at(1) == all);
    BOOST_TEST(all <= 4U);
    BOOST_TEST(calls <= 16);
    for (auto const& r : t.results)
        BOOST_TEST(outcome(r) == "invalid_client");
}

// Only credentials that a fetch has sent can be refused.
BOOST_AUTO_TEST_CASE(credentials_found_by_another_operation_are_tried_after_a_refusal)
{
    token_source_fixture t;
    std::string present = "first";
    auto config = t.config();
    config.authentication = coauth::client_authentication::client_secret_post(
        client_id, [&] { return coauth::secret(std::string_view(present)); });
    coauth::client changing(t.context.get_executor(), with_log_scan(config));
    t.tokens.emplace(changing);
    auto const refusal = response::json(401, R"({"error":"invalid_client"})");
    t.server.push_response(late(200ms, refusal));
    t.server.push_response(late(500ms, refusal));
    t.server.push_response(response::json(200, token_document("other")));
    t.server.push_response(response::json(200, token_document("a")));
    t.tokens->async_get_access_token(t.into_results());
    t.run_until_requests(1);
    present = "second";
    t.run_until_requests(2);
    present = "third";
    token_result other = coauth::errc::cancelled;
    changing.async_get_access_token({}, [&](token_result r) { other = std::move(r); });
    t.run();
    BOOST_TEST(outcome(other) == "success");
    BOOST_TEST(outcome(t.results.at(0)) == "invalid_client");
    BOOST_TEST(t.requests() == 3U);
    t.tokens->async_get_access_token(t.into_results());
    t.run();
    BOOST_TEST(outcome(t.results.at(1)) == "success");
    BOOST_TEST(t.requests() == 4U);
}

BOOST_AUTO_TEST_CASE(credentials_of_a_cancelled_fetch_do_not_count_as_refused)
{
    token_source_options options;
    options.cancel_when_unwaited = true;
    options.initial_back_off = 60s;
    token_source_fixture t;
    std::string present = "first";
    auto config = t.config();
    config.authentication = coauth::client_authentication::client_secret_post(
        client_id, [&] { return coauth::secret(std::string_view(present)); });
    coauth::client changing(t.context.get_executor(), with_log_scan(config));
    t.tokens.emplace(changing, coauth::token_request(), options);
    t.server.push_response(response::json(401, R"({"error":"invalid_client"})"));
    t.server.push_response(late(60s));
    t.server.push_response(response::json(200, token_document("a")));
    // The second operation is refused at once and checks for new credentials.
    for (int i = 0; i < 2; ++i)
    {
        t.tokens->async_get_access_token(t.into_results());
        t.run();
    }
    present = "second";
    asio::cancellation_signal stop;
    t.tokens->async_get_new_access_token(
        asio::bind_cancellation_slot(stop.slot(), t.into_results()));
    t.run_until_requests(2);
    stop.emit(asio::cancellation_type::total);
    t.run();
    std::this_thread::sleep_for(1100ms);
    t.tokens->async_get_access_token(t.into_results());
    t.run();
    std::vector<std::string> ends;
    for (auto const& r : t.results)
        ends.push_back(outcome(r));
    BOOST_TEST(
        ends ==
            (std::vector<std::string>{"invalid_client", "invalid_client", "cancelled", "success"}),
        boost::test_tools::per_element());
    BOOST_TEST(t.requests() == 3U);
}

BOOST_AUTO_TEST_CASE(a_secret_provider_that_fails_is_an_error_without_a_request)
{
    token_source_fixture t;
    auto const outcome_with = [&](coauth::secret_provider from)
    {
        auto config = t.config();
        config.authentication =
            coauth::client_authentication::client_secret_basic(client_id, std::move(from));
        return fetch(config);
    };
    auto const thrown =
        outcome_with([]() -> coauth::result<coauth::secret> { throw std::runtime_error("mine"); });
    BOOST_TEST(outcome(thrown) == "invalid_configuration");
    auto const failed = outcome_with(
        []() -> coauth::result<coauth::secret> { return coauth::error(coauth::errc::timeout); });
    BOOST_TEST(outcome(failed) == "timeout");
    auto const faulty =
        outcome_with([]() -> coauth::result<coauth::secret> { return coauth::secret("a\nb"); });
    BOOST_TEST(outcome(faulty) == "invalid_configuration");
    auto const missing = outcome_with(coauth::secret_from_file("/does/not/exist"));
    BOOST_TEST(outcome(missing) == "invalid_configuration");
    auto const good = outcome_with(
        []() -> coauth::result<coauth::secret> { return coauth::secret(client_secret); });
    BOOST_TEST(outcome(good) == "success");
    BOOST_TEST(t.requests() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
