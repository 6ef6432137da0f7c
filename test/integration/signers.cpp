// Signer functions: whatever they do, the operation completes once and in time.

#include "client_authentication.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <optional>
#include <stdexcept>
#include <thread>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(signers)

using coauth::client_authentication;

namespace
{

using signed_handler = std::function<void(coauth::result<std::string>)>;

coauth::client_config signed_through(authorization_server const& server, coauth::signer_function by)
{
    auto const key = coauth::signing_key::signer(coauth::signature_algorithm::es256, std::move(by));
    return authenticated(server, client_authentication::private_key_jwt(other_id, key));
}

coauth::error quota_error()
{
    coauth::error_info info;
    info.context = "the key service has no quota left";
    return {coauth::errc::rate_limited, std::move(info)};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_signer_may_complete_at_once)
{
    test_key const key("P-256");
    auto const server = start(options_with_client(key));
    auto const sign = [&](std::string const& input, signed_handler const& done)
    { done(key.sign("ES256", input)); };
    BOOST_TEST(outcome(fetch(signed_through(server, sign))) == "success");
}

BOOST_AUTO_TEST_CASE(a_signer_may_complete_later_on_another_thread_and_counts_once)
{
    test_key const key("P-256");
    auto const server = start(options_with_client(key));
    std::thread other;
    auto const sign = [&](std::string const& input, signed_handler const& done)
    {
        other = std::thread(
            [&key, input, done]
            {
                std::this_thread::sleep_for(20ms);
                done(key.sign("ES256", input));
                done(key.sign("ES256", "something else"));
                done(quota_error());
            });
    };
    BOOST_TEST(outcome(fetch(signed_through(server, sign))) == "success");
    other.join();
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_failing_signer_is_an_error_without_a_request)
{
    struct row
    {
        coauth::signer_function sign;
        char const* outcome;
        char const* says;
    };
    for (auto const& [sign, expected, says] :
         std::vector<row>{
             {[](std::string const&, signed_handler const& done) { done(quota_error()); },
              "rate_limited", "no quota left"},
             {[](std::string const&, signed_handler const&) {}, "invalid_configuration",
              "without a response"},
             {[](std::string const&, signed_handler const&) { throw std::runtime_error("hush"); },
              "invalid_configuration", "threw an exception"}})
        BOOST_TEST_CONTEXT(says)
        {
            auto const server = start();
            auto const got = fetch(signed_through(server, sign));
            BOOST_TEST(outcome(got) == expected);
            BOOST_REQUIRE(!got);
            BOOST_TEST(got.error().message().find(says) != std::string::npos, got.error());
            BOOST_TEST(got.error().message().find("hush") == std::string::npos);
            BOOST_TEST(server.requests().empty());
        }
}

BOOST_AUTO_TEST_CASE(a_wrong_signature_of_a_signer_is_refused_by_the_server)
{
    test_key const key("P-256");
    auto const server = start(options_with_client(key));
    auto const sign = [&](std::string const&, signed_handler const& done)
    { done(std::string(64, 'x')); };
    BOOST_TEST(outcome(fetch(signed_through(server, sign))) == "invalid_client");
}

BOOST_AUTO_TEST_CASE(a_malformed_signature_of_a_signer_is_an_error)
{
    test_key const key("P-256");
    auto const server = start(options_with_client(key));
    auto const sign = [&](std::string const&, signed_handler const& done)
    { done(std::string("no signature")); };
    auto const got = fetch(signed_through(server, sign));
    BOOST_TEST(outcome(got) == "invalid_configuration");
    BOOST_TEST(
        got.error().message().find("r followed by s, 64 bytes") != std::string::npos, got.error());
    BOOST_TEST(server.requests().empty());
}

// Key management services return DER.
BOOST_AUTO_TEST_CASE(a_signer_may_return_der)
{
    test_key const key("P-256");
    auto const server = start(options_with_client(key));
    auto const sign = [&](std::string const& input, signed_handler const& done)
    {
        auto const both = key.sign("ES256", input);
        std::string der;
        for (auto const& half : {both.substr(0, 32), both.substr(32)})
        {
            auto number = half.substr(std::min(half.find_first_not_of('\0'), half.size() - 1));
            if (static_cast<unsigned char>(number.front()) >= 0x80)
                number.insert(0, 1, '\0');
            der += '\x02';
            der += static_cast<char>(number.size());
            der += number;
        }
        done('\x30' + std::string(1, static_cast<char>(der.size())) + der);
    };
    BOOST_TEST(outcome(fetch(signed_through(server, sign))) == "success");
}

BOOST_AUTO_TEST_CASE(a_signer_that_never_completes_ends_at_the_deadline)
{
    auto const server = start();
    std::vector<signed_handler> kept;
    auto config = signed_through(
        server, [&](std::string const&, signed_handler done) { kept.push_back(std::move(done)); });
    config.timeout = 100ms;
    auto const got = fetch(config);
    BOOST_TEST(outcome(got) == "timeout");
    BOOST_TEST(got.error().message().find("signer") != std::string::npos, got.error());
    // Completes after the operation has ended.
    BOOST_REQUIRE_EQUAL(kept.size(), 1U);
    kept.front()(std::string("late"));
    BOOST_TEST(server.requests().empty());
}

BOOST_AUTO_TEST_CASE(a_slow_signer_counts_towards_the_attempt_timeout)
{
    test_key const key("P-256");
    auto const server = start(options_with_client(key));
    std::vector<signed_handler> kept;
    auto config = signed_through(
        server,
        [&](std::string const& input, signed_handler done)
        {
            if (!kept.empty())
                return done(key.sign("ES256", input));
            kept.push_back(std::move(done));
        });
    config.retry.max_attempts = 2;
    config.retry.attempt_timeout = 1s;
    config.retry.initial_back_off = 1ms;
    client_fixture client(config);
    BOOST_TEST(outcome(client.fetch()) == "success");
    BOOST_TEST(server.requests().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_cancellation_does_not_wait_for_the_signer)
{
    for (auto const type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial,
          asio::cancellation_type::total})
    {
        auto const server = start();
        asio::io_context context;
        asio::cancellation_signal signal;
        std::vector<signed_handler> kept;
        auto const config = signed_through(
            server,
            [&](std::string const&, signed_handler done)
            {
                kept.push_back(std::move(done));
                asio::post(context, [&] { signal.emit(type); });
            });
        coauth::client client(context.get_executor(), with_log_scan(config));
        std::vector<std::string> ends;
        client.async_get_access_token(
            coauth::token_request(),
            asio::bind_cancellation_slot(
                signal.slot(), [&](token_result const& r) { ends.push_back(outcome(r)); }));
        context.run();
        BOOST_TEST(ends == std::vector<std::string>{"cancelled"}, boost::test_tools::per_element());
        kept.front()(std::string("late"));
    }
}

BOOST_AUTO_TEST_CASE(destroying_the_client_does_not_wait_for_the_signer)
{
    auto const server = start();
    asio::io_context context;
    std::optional<coauth::client> client;
    std::vector<signed_handler> kept;
    client.emplace(
        context.get_executor(), signed_through(
                                    server,
                                    [&](std::string const&, signed_handler done)
                                    {
                                        kept.push_back(std::move(done));
                                        asio::post(context, [&] { client.reset(); });
                                    }));
    std::vector<std::string> ends;
    client->async_get_access_token(
        coauth::token_request(), [&](token_result const& r) { ends.push_back(outcome(r)); });
    context.run();
    BOOST_TEST(ends == std::vector<std::string>{"cancelled"}, boost::test_tools::per_element());
    kept.front()(std::string("late"));
}

BOOST_AUTO_TEST_CASE(a_signer_may_complete_while_the_context_is_destroyed)
{
    auto const server = start();
    for (int i = 0; i < 200; ++i)
    {
        std::thread other;
        std::optional<asio::io_context> context(std::in_place);
        auto const sign = [&](std::string const&, signed_handler done)
        {
            auto const response = [done = std::move(done), i]() mutable
            {
                std::this_thread::sleep_for(i * 1us);
                done(std::string("late"));
                done = nullptr;
            };
            other = std::thread(response);
            context->stop();
        };
        coauth::client client(context->get_executor(), with_log_scan(signed_through(server, sign)));
        client.async_get_access_token(coauth::token_request(), [](token_result const&) {});
        context->run();
        context.reset();
        other.join();
    }
    BOOST_TEST(server.requests().empty());
}

BOOST_AUTO_TEST_CASE(a_signer_may_outlive_the_context)
{
    auto const server = start();
    std::vector<signed_handler> kept;
    bool completed = false;
    {
        asio::io_context context;
        coauth::client client(
            context.get_executor(), signed_through(
                                        server,
                                        [&](std::string const&, signed_handler done)
                                        {
                                            kept.push_back(std::move(done));
                                            context.stop();
                                        }));
        client.async_get_access_token(
            coauth::token_request(), [&](token_result const&) { completed = true; });
        context.run();
    }
    BOOST_REQUIRE_EQUAL(kept.size(), 1U);
    kept.front()(std::string("late"));
    kept.clear();
    BOOST_TEST(!completed);
}

BOOST_AUTO_TEST_SUITE_END()
