// The connection to a real server: TLS, login, database, and what happens when it is lost.

#include "store_fixture.hpp"
#include "tls_front.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

using namespace test;
using coauth::errc;

namespace
{

struct connection_fixture
{
    redis_process server;
    coauth::redis_options options = server.options();

    // The error of one operation of a new store.
    std::string failure(coauth::redis_options const& of) const
    {
        store_fixture store(of);
        return outcome(store.load("a"));
    }
    // The number of connections that were ever made, that of this command included.
    int connections() const
    {
        auto const all = server.command({"INFO", "stats"});
        std::string const name = "total_connections_received:";
        return std::stoi(all.substr(all.find(name) + name.size()));
    }
};

coauth::resolver_function always(std::string const& address, std::uint16_t port)
{
    return [=](std::string const&, std::uint16_t, auto done)
    { done({}, std::vector<coauth::ip_endpoint>{{address, port}}); };
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(redis_connection, connection_fixture)

BOOST_AUTO_TEST_CASE(the_certificate_of_the_server_is_verified)
{
    BOOST_TEST(failure(options) == "success");
    auto unknown_ca = options;
    unknown_ca.tls.ca_pem = redis_process().ca_pem();
    BOOST_TEST(failure(unknown_ca) == "certificate_verify_failed");
    auto wrong_host = options;
    wrong_host.url = "rediss://redis.example:" + std::to_string(server.tls_port());
    wrong_host.resolver = always("127.0.0.1", server.tls_port());
    BOOST_TEST(failure(wrong_host) == "certificate_verify_failed");
    auto plain = options;
    plain.url = "rediss://localhost:" + std::to_string(server.port());
    BOOST_TEST(failure(plain) != "success");
}

BOOST_AUTO_TEST_CASE(the_name_of_the_server_is_sent_in_the_handshake)
{
    tls_front const front(server.port());
    options.url = "rediss" + front.url().substr(front.url().find(':'));
    options.tls.ca_pem = front.ca_pem();
    BOOST_TEST(failure(options) == "success");
    auto const handshakes = front.handshakes();
    BOOST_TEST_REQUIRE(handshakes.size() == 1U);
    BOOST_TEST(handshakes.front().name == "localhost");
}

BOOST_AUTO_TEST_CASE(the_client_certificate_is_shown)
{
    server.command({"CONFIG", "SET", "tls-auth-clients", "yes"});
    BOOST_TEST(failure(options) != "success");
    options.tls.certificate_pem = server.client_pem();
    options.tls.key_pem = coauth::secret(server.client_pem());
    BOOST_TEST(failure(options) == "success");
}

BOOST_AUTO_TEST_CASE(without_tls_it_works_too)
{
    options.url = "redis://127.0.0.1:" + std::to_string(server.port());
    BOOST_TEST(failure(options) == "success");
}

BOOST_AUTO_TEST_CASE(user_and_password_may_be_in_the_url)
{
    options.user.clear();
    options.password = nullptr;
    options.url =
        "rediss://coauth:p%3AS%203+cr%2F%25t&=~@localhost:" + std::to_string(server.tls_port());
    BOOST_TEST(failure(options) == "success");
}

BOOST_AUTO_TEST_CASE(a_wrong_password_is_an_error_that_does_not_show_it)
{
    auto wrong = options;
    wrong.password = [] { return coauth::secret("WRONG-password"); };
    store_fixture store(wrong);
    auto const found = store.load("a");
    BOOST_TEST_REQUIRE(found.has_error());
    BOOST_TEST((found.error() == errc::access_denied));
    BOOST_TEST(found.error().message().find("WRONGPASS") != std::string::npos);
    BOOST_TEST(found.error().message().find("WRONG-password") == std::string::npos);
    auto none = options;
    none.user.clear();
    none.password = nullptr;
    BOOST_TEST(failure(none) == "access_denied");
    auto failing = options;
    failing.password = []() -> coauth::result<coauth::secret> { throw 1; };
    BOOST_TEST(failure(failing) != "success");
}

BOOST_AUTO_TEST_CASE(the_password_is_rotated_while_the_store_runs)
{
    auto const current = std::make_shared<std::string>(redis_process::password);
    options.password = [current] { return coauth::secret(*current); };
    store_fixture store(options);
    store.put("a", "record");
    *current = "the next one";
    server.command({"ACL", "SETUSER", "coauth", "resetpass", ">" + *current});
    BOOST_TEST(store.text(store.load("a")) == "record");
    server.command({"CLIENT", "KILL", "USER", "coauth"});
    BOOST_TEST(store.text(store.load("a")) == "record");
}

BOOST_AUTO_TEST_CASE(a_server_that_forgets_the_user_is_told_again)
{
    // With a password for the default user, which the connection then has no more.
    store_fixture store(options);
    store.put("a", "record");
    server.command({"ACL", "DELUSER", "coauth"});
    server.command(
        {"ACL", "SETUSER", "coauth", "on", std::string(">") + redis_process::password, "~coauth:*",
         "+@all"});
    BOOST_TEST(store.text(store.load("a")) == "record");
}

BOOST_AUTO_TEST_CASE(the_database_of_the_url_is_used)
{
    options.url += "/2";
    store_fixture store(options);
    store.put("a", "record");
    BOOST_TEST(server.command({"EXISTS", "coauth:{a}"}) == "0");
    BOOST_TEST(store.text(store.load("a")) == "record");
    options.url.back() = '9';
    options.url += "99";
    BOOST_TEST(failure(options) == "invalid_configuration");
}

BOOST_AUTO_TEST_CASE(keys_begin_with_the_prefix)
{
    options.prefix = "coauth:blue:";
    store_fixture store(options);
    store.put("a", "record");
    store.put("fleet:{b}", "record");
    BOOST_TEST(server.command({"EXISTS", "coauth:blue:{a}"}) == "1");
    BOOST_TEST(server.command({"EXISTS", "coauth:blue:fleet:{b}"}) == "1");
}

BOOST_AUTO_TEST_CASE(all_operations_share_one_connection)
{
    auto const before = connections();
    store_fixture store(options);
    int loaded = 0;
    for (int i = 0; i < 300; ++i)
        store.store.async_load(
            "name-" + std::to_string(i), store.deadline(),
            [&](auto got) { loaded += got.has_value() ? 1 : 0; });
    store.context.run();
    BOOST_TEST(loaded == 300);
    store.put("a", "record");
    BOOST_TEST(connections() - before == 2);
}

BOOST_AUTO_TEST_CASE(a_closed_connection_is_replaced_before_it_is_used)
{
    store_fixture store(options);
    store.put("a", "record");
    for (int i = 0; i < 3; ++i)
    {
        server.command({"CLIENT", "KILL", "USER", "coauth"});
        BOOST_TEST(store.text(store.load("a")) == "record");
    }
}

BOOST_AUTO_TEST_CASE(an_operation_is_cancelled_alone)
{
    store_fixture store(options);
    store.load("a");
    server.stop();
    boost::asio::cancellation_signal signal;
    std::string cancelled;
    std::string other;
    store.store.async_load(
        "a", store.deadline(),
        boost::asio::bind_cancellation_slot(
            signal.slot(), [&](auto got) { cancelled = outcome(got); }));
    store.store.async_load("a", store.deadline(), [&](auto got) { other = outcome(got); });
    signal.emit(boost::asio::cancellation_type::total);
    store.context.restart();
    while (cancelled.empty())
        store.context.run_one();
    BOOST_TEST(cancelled == "cancelled");
    BOOST_TEST(other.empty());
    server.resume();
    store.context.run();
    BOOST_TEST(other == "success");
}

BOOST_AUTO_TEST_CASE(a_destroyed_store_cancels_its_operations)
{
    server.stop();
    boost::asio::io_context context;
    auto store = std::make_unique<coauth::redis_token_store>(context, options);
    std::string loaded;
    store->async_load(
        "a", std::chrono::steady_clock::time_point::max(),
        [&](auto got) { loaded = outcome(got); });
    context.run_for(20ms);
    BOOST_TEST(loaded.empty());
    store.reset();
    context.run();
    BOOST_TEST(loaded == "cancelled");
}

BOOST_AUTO_TEST_CASE(a_context_may_be_destroyed_before_its_store)
{
    auto const kept = std::make_shared<int>(0);
    std::unique_ptr<coauth::redis_token_store> idle;
    std::unique_ptr<coauth::redis_token_store> busy;
    {
        boost::asio::io_context context;
        idle = std::make_unique<coauth::redis_token_store>(context, options);
        busy = std::make_unique<coauth::redis_token_store>(context, options);
        idle->async_load("a", std::chrono::steady_clock::time_point::max(), [kept](auto const&) {});
        context.run();
        BOOST_TEST(kept.use_count() == 1);
        server.stop();
        context.restart();
        busy->async_load("a", std::chrono::steady_clock::time_point::max(), [kept](auto const&) {});
        idle->async_claim(
            "a", "me", 1s, std::chrono::steady_clock::time_point::max(), [kept](auto const&) {});
        context.run_for(20ms);
        BOOST_TEST(kept.use_count() == 3);
    }
    BOOST_TEST(kept.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(it_may_be_used_from_several_threads)
{
    constexpr int threads = 4;
    constexpr int rounds = 60;
    boost::asio::thread_pool pool(threads);
    std::atomic<int> completed{0};
    std::atomic<int> failed{0};
    {
        coauth::redis_token_store store(pool, options);
        std::vector<std::thread> callers;
        for (int caller = 0; caller < threads; ++caller)
            callers.emplace_back(
                [&, caller]
                {
                    for (int i = 0; i < rounds; ++i)
                    {
                        auto const name = "name-" + std::to_string(i % 7);
                        auto const owner = std::to_string(caller);
                        auto const deadline = std::chrono::steady_clock::now() + 20s;
                        auto const count = [&](auto const& got)
                        {
                            failed += got ? 0 : 1;
                            ++completed;
                        };
                        store.async_claim(name, owner, 10s, deadline, count);
                        store.async_load(name, deadline, count);
                        store.async_release(name, owner, deadline, count);
                        std::promise<void> done;
                        store.async_publish(
                            name, owner, "record", 10s, deadline,
                            [&](auto const&) { done.set_value(); });
                        done.get_future().wait();
                    }
                });
        for (auto& caller : callers)
            caller.join();
        while (completed < threads * rounds * 3)
            std::this_thread::yield();
        // Some more, which the destructor cancels.
        for (int i = 0; i < 20; ++i)
            store.async_load(
                "name", std::chrono::steady_clock::time_point::max(),
                [&](auto const&) { ++completed; });
    }
    pool.join();
    BOOST_TEST(failed == 0);
    BOOST_TEST(completed == threads * rounds * 3 + 20);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(redis_options)

BOOST_AUTO_TEST_CASE(invalid_options_are_reported_without_a_connection)
{
    struct row
    {
        char const* url;
        char const* message;
    };
    row const rows[] = {
        {"", "is empty"},
        {"https://redis.example", "must begin with redis://"},
        {"redis:/redis.example", "must begin with redis://"},
        {"redis://", "has no host"},
        {"redis://:6379", "has no host"},
        {"rediss://redis.example:0", "bad port"},
        {"rediss://redis.example:65536", "bad port"},
        {"rediss://redis.example:6379x", "bad port"},
        {"rediss://user:p%2@redis.example", "hexadecimal"},
        {"rediss://user:p%zz@redis.example", "hexadecimal"},
        {"rediss://redis.example/x", "number of a database"},
        {"rediss://redis.example/-1", "number of a database"},
        {"rediss://redis.example/1/2", "number of a database"},
        {"rediss://redis.example?db=1", "a query"},
        {"rediss://redis.example#1", "a fragment"},
        {"rediss://redis example", "a space"},
        {"rediss://[fe80::1%25eth0]", "bad one"},
    };
    for (auto const& [url, message] : rows)
    {
        BOOST_TEST_CONTEXT(url)
        {
            coauth::redis_options options;
            options.url = url;
            store_fixture store(options);
            auto const valid = store.store.validate();
            BOOST_TEST_REQUIRE(valid.has_error());
            BOOST_TEST((valid.error() == errc::invalid_configuration));
            BOOST_TEST(valid.error().message().find(message) != std::string::npos);
            BOOST_TEST(store.text(store.load("a")) == valid.error().message());
            BOOST_TEST(store.text(store.claim("a", "me")) == valid.error().message());
        }
    }
}

BOOST_AUTO_TEST_CASE(valid_urls_are_accepted)
{
    for (auto const* const url :
         {"redis://127.0.0.1", "REDIS://localhost:6380", "redis://[::1]:7000/0",
          "redis://:password@redis.example/15", "redis://user@redis.example/",
          "redis://us%40er:p%2Fw@redis.example"})
    {
        coauth::redis_options options;
        options.url = url;
        boost::asio::io_context context;
        coauth::redis_token_store const store(context, options);
        auto const valid = store.validate();
        BOOST_TEST(valid.has_value(), url << ": " << (valid ? "" : valid.error().message()));
    }
}

BOOST_AUTO_TEST_CASE(messages_do_not_show_the_password)
{
    for (auto const* const url :
         {"redis://user:PASSWORD@", "redis://user:PASSWORD@host:x", "http://user:PASSWORD@host",
          "redis://user:PASSWORD%@host", "redis://user:PASSWORD@host?x"})
    {
        coauth::redis_options options;
        options.url = url;
        boost::asio::io_context context;
        coauth::redis_token_store const store(context, options);
        auto const valid = store.validate();
        BOOST_TEST_REQUIRE(valid.has_error());
        BOOST_TEST(valid.error().message().find("PASSWORD") == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_bad_prefix_or_ca_file_is_reported)
{
    coauth::redis_options options;
    options.url = "rediss://redis.example";
    boost::asio::io_context context;
    for (auto const* const prefix : {"{a}", "a b", "\n"})
    {
        auto bad = options;
        bad.prefix = prefix;
        BOOST_TEST(coauth::redis_token_store(context, bad).validate().has_error());
    }
    options.tls.ca_file = "/does/not/exist.pem";
    BOOST_TEST(coauth::redis_token_store(context, options).validate().has_error());
}

BOOST_AUTO_TEST_CASE(pem_text_in_place_of_a_path_is_reported_and_not_shown)
{
    std::string const pem = "-----BEGIN PRIVATE KEY-----\nSECRET";
    struct row
    {
        std::string coauth::tls_options::* option;
        std::string value;
        char const* message;
    };
    row const rows[] = {
        {&coauth::tls_options::ca_file, pem, "tls.ca_file is PEM text"},
        {&coauth::tls_options::certificate_file, pem, "tls.certificate_file is PEM text"},
        {&coauth::tls_options::key_file, pem, "tls.key_file is PEM text"},
        {&coauth::tls_options::ca_pem, "/etc/ca.pem", "tls.ca_pem is not PEM text"},
        {&coauth::tls_options::key_file, "key.pem", "without a certificate"},
    };
    boost::asio::io_context context;
    for (auto const& [option, value, message] : rows)
    {
        coauth::redis_options options;
        options.url = "rediss://redis.example";
        options.tls.*option = value;
        auto const valid = coauth::redis_token_store(context, options).validate();
        BOOST_TEST_REQUIRE(valid.has_error());
        BOOST_TEST(valid.error().message().find(message) != std::string::npos);
        BOOST_TEST(valid.error().message().find("SECRET") == std::string::npos);
    }
}

BOOST_AUTO_TEST_SUITE_END()
