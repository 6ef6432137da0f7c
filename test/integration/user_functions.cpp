// The library calls user functions without holding a lock: each may use the client and close it.

#include "client_authentication.hpp"
#include "scratch_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <functional>
#include <future>
#include <iostream>
#include <memory>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(user_functions)

using coauth::client_authentication;
using coauth::secret;

namespace
{

using use_function = std::function<void()>;
// Makes a configuration with one function that calls `use`.
using configure_function =
    std::function<void(coauth::client_config& config, use_function const& use)>;

class using_observer : public coauth::observer
{
public:
    explicit using_observer(use_function use) : use_(std::move(use)) {}
    void on_phase_ended(coauth::phase_ended const&) override { use_(); }
    void on_attempt_started(coauth::attempt_started const&) override { use_(); }
    void on_connection_opened(coauth::connection_opened const&) override { use_(); }
    void on_connection_closed(coauth::connection_closed const&) override { use_(); }
    void on_attempt_failed(coauth::attempt_failed const&) override { use_(); }
    void on_token_received(coauth::token_received const&) override { use_(); }

private:
    use_function use_;
};

void by_resolver(coauth::client_config& config, use_function const& use)
{
    config.connections.dns_cache_ttl = 0ms;
    config.connections.resolver = [use](auto const&, std::uint16_t port, auto const& done)
    {
        use();
        done({}, {{"127.0.0.1", port}});
    };
}
void by_observer(coauth::client_config& config, use_function const& use)
{
    config.observer = std::make_shared<using_observer>(use);
}
void by_debug(coauth::client_config& config, use_function const& use)
{
    config.debug = [use](std::string_view) { use(); };
}
void by_secret(coauth::client_config& config, use_function const& use)
{
    config.authentication = client_authentication::client_secret_basic(
        client_id,
        [use]
        {
            use();
            return coauth::result<secret>(secret(client_secret));
        });
}

struct row
{
    char const* function;
    configure_function configure;
};

std::vector<row> rows(coauth::signing_key const& signer_key)
{
    return {
        {"resolver", by_resolver},
        {"observer", by_observer},
        {"debug", by_debug},
        {"secret", by_secret},
        {"signer", [signer_key](coauth::client_config& config, use_function const&)
         { config.authentication = client_authentication::private_key_jwt(other_id, signer_key); }},
    };
}

// Ends the process in case of a deadlock.
void run_within(std::chrono::seconds limit, std::string const& what, std::function<void()> work)
{
    std::packaged_task<void()> task(std::move(work));
    auto done = task.get_future();
    std::thread runner(std::move(task));
    if (done.wait_for(limit) != std::future_status::ready)
    {
        std::cerr << what << " waits for a lock that its caller holds" << std::endl;
        std::_Exit(1);
    }
    runner.join();
    done.get();
}

} // namespace

BOOST_AUTO_TEST_CASE(every_user_function_may_use_the_client_and_close_it)
{
    test_key const key("P-256");
    auto const server = start(options_with_client(key));
    for (bool const closes : {false, true})
    {
        use_function use;
        auto const signer = coauth::signing_key::signer(
            coauth::signature_algorithm::es256,
            [&](std::string const& input, auto const& done)
            {
                use();
                done(key.sign("ES256", input));
            });
        for (auto const& one : rows(signer))
            BOOST_TEST_CONTEXT(one.function << (closes ? " closes" : " uses"))
            {
                auto config = single_attempt(server);
                config.server.token_endpoint = server.token_endpoint("localhost");
                one.configure(config, [&] { use(); });
                asio::io_context context;
                coauth::client client(context.get_executor(), config);
                int used = 0;
                int ended = 0;
                auto const begin = [&]
                {
                    client.async_get_access_token(
                        coauth::token_request(), [&](token_result const&) { ++ended; });
                };
                use = [&]
                {
                    (void)client.counters();
                    if (++used == 1)
                        begin();
                    if (closes)
                        client.close();
                };
                begin();
                run_within(20s, one.function, [&] { context.run_for(15s); });
                BOOST_TEST(used >= 1);
                BOOST_TEST(ended == 2);
                // The client's destructor calls it again, after these variables.
                use = [] {};
            }
    }
}

// Called during an operation when the certificate's file was replaced.
BOOST_AUTO_TEST_CASE(a_pass_phrase_function_may_use_the_client)
{
    auto const server = start();
    auto config = single_attempt(server);
    use_function use = [] {};
    auto const robot = make_identity("robot");
    scratch_file const pem("robot", robot.certificate_pem + robot.key.encrypted_pem("pass"));
    config.tls.certificate_file = pem.path();
    config.tls.key_passphrase = [&]
    {
        use();
        return coauth::result<secret>(secret("pass"));
    };
    asio::io_context context;
    coauth::client client(context.get_executor(), config);
    int used = 0;
    int ended = 0;
    auto const begin = [&]
    {
        client.async_get_access_token(
            coauth::token_request(), [&](token_result const&) { ++ended; });
    };
    use = [&]
    {
        if (++used == 1)
            begin();
    };
    begin();
    run_within(20s, "a pass-phrase", [&] { context.run_for(15s); });
    BOOST_TEST(used >= 1);
    BOOST_TEST(ended == 2);
}

BOOST_AUTO_TEST_SUITE_END()
