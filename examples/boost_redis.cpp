// A fleet's store of tokens on a Boost.Redis connection that the program has already, in place of
// coauth::redis. Needs Boost 1.88 or later. Two sources stand for two processes: one of them
// fetches the token.
//
//   COAUTH_TOKEN_ENDPOINT, COAUTH_CLIENT_ID, COAUTH_CLIENT_SECRET   required
//   COAUTH_CA_FILE                                                  empty: the system's CAs
//   REDIS_PORT, REDIS_USER, REDIS_PASSWORD                          a server on this machine

#include <coauth/shared_tokens.hpp>
#include <coauth/token_source.hpp>

#include <boost/asio/cancel_at.hpp>
#include <boost/asio/consign.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/redis/connection.hpp>
#include <boost/redis/src.hpp>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

namespace asio = boost::asio;
namespace redis = boost::redis;
using std::chrono::milliseconds;

// The connection runs in one thread or on a strand, as Boost.Redis requires.
class boost_redis_store : public coauth::token_store
{
public:
    explicit boost_redis_store(std::shared_ptr<redis::connection> connection)
        : token_store(connection->get_executor())
        , connection_(std::move(connection))
    {
    }

private:
    using loaded = redis::response<long long, std::optional<std::string>, long long, long long>;
    using number = redis::response<long long>;

    void start_load(std::string name, time_point deadline, load_handler handler) override
    {
        redis::request commands;
        // Another record may replace this one in between: its time is then the lesser of the two.
        commands.push("PTTL", record_key(name));
        commands.push("GET", record_key(name));
        commands.push("PTTL", record_key(name));
        commands.push("EXISTS", claim_key(name));
        execute<loaded>(
            std::move(commands), deadline,
            [handler = std::move(handler)](coauth::result<loaded> replies) mutable
            {
                if (!replies)
                    return std::move(handler)(replies.error());
                auto const& [before, record, after, claims] = *replies;
                bool const failed = before.has_error() || record.has_error() || after.has_error() ||
                                    claims.has_error();
                if (failed)
                    return std::move(handler)(refused());
                coauth::stored_record found;
                found.claimed = claims.value() != 0;
                auto const left = std::min(before.value(), after.value());
                if (record.value() && left > 0)
                {
                    found.record = *record.value();
                    found.remaining = milliseconds(left);
                }
                std::move(handler)(std::move(found));
            });
    }

    void start_claim(
        std::string name, std::string owner, milliseconds lease, time_point deadline,
        store_handler handler) override
    {
        run_script(
            "return redis.call('set',KEYS[1],ARGV[1],'nx','px',ARGV[2]) and 1 or 0", deadline,
            std::move(handler), 1, claim_key(name), owner, lease.count());
    }

    void start_renew(
        std::string name, std::string owner, milliseconds lease, time_point deadline,
        store_handler handler) override
    {
        run_script(
            "if redis.call('get',KEYS[1])~=ARGV[1] then return 0 end "
            "return redis.call('pexpire',KEYS[1],ARGV[2])",
            deadline, std::move(handler), 1, claim_key(name), owner, lease.count());
    }

    void start_publish(
        std::string name, std::string owner, std::string record, milliseconds life,
        time_point deadline, store_handler handler) override
    {
        run_script(
            "if redis.call('get',KEYS[1])~=ARGV[1] then return 0 end "
            "redis.call('set',KEYS[2],ARGV[2],'px',ARGV[3]) return redis.call('del',KEYS[1])",
            deadline, std::move(handler), 2, claim_key(name), record_key(name), owner, record,
            life.count());
    }

    void start_release(
        std::string name, std::string owner, time_point deadline, store_handler handler) override
    {
        run_script(
            "if redis.call('get',KEYS[1])~=ARGV[1] then return 0 end "
            "return redis.call('del',KEYS[1])",
            deadline, std::move(handler), 1, claim_key(name), owner);
    }

    void start_remove_if(
        std::string name, std::string digest, time_point deadline, store_handler handler) override
    {
        run_script(
            "if redis.call('getrange',KEYS[1],0,#ARGV[1]-1)~=ARGV[1] then return 0 end "
            "return redis.call('del',KEYS[1])",
            deadline, std::move(handler), 1, record_key(name), digest);
    }

    // A script is one atomic step. Its number tells whether it has done anything.
    template <class... Arguments>
    void run_script(
        std::string_view script, time_point deadline, store_handler handler,
        Arguments const&... keys_and_arguments)
    {
        redis::request commands;
        commands.push("EVAL", script, keys_and_arguments...);
        execute<number>(
            std::move(commands), deadline,
            [handler = std::move(handler)](coauth::result<number> replies) mutable
            {
                if (!replies)
                    return std::move(handler)(replies.error());
                auto const& done = std::get<0>(*replies);
                if (done.has_error())
                    return std::move(handler)(refused());
                std::move(handler)(done.value() != 0);
            });
    }

    template <class Replies, class Handler>
    void execute(redis::request commands, time_point deadline, Handler handler)
    {
        // Without a connection, Boost.Redis would keep the request until there is one.
        commands.get_config().cancel_if_not_connected = true;
        auto const sent = std::make_shared<redis::request>(std::move(commands));
        auto const replies = std::make_shared<Replies>();
        auto respond = [sent, replies, handler = std::move(handler),
                        deadline](boost::system::error_code ec, std::size_t) mutable
        {
            if (!ec)
                return handler(std::move(*replies));
            bool const late = std::chrono::steady_clock::now() >= deadline;
            handler(
                failed(late ? coauth::errc::timeout : coauth::errc::connection_lost, ec.message()));
        };
        asio::dispatch(
            connection_->get_executor(),
            [connection = connection_, sent, replies, deadline,
             respond = std::move(respond)]() mutable
            {
                connection->async_exec(
                    *sent, *replies, asio::cancel_at(deadline, std::move(respond)));
            });
    }

    static coauth::error failed(coauth::errc code, std::string context)
    {
        coauth::error_info info;
        info.context = "Redis: " + std::move(context);
        return {code, std::move(info)};
    }
    static coauth::error refused()
    {
        return failed(coauth::errc::server_error, "the server refuses the command");
    }
    static std::string record_key(std::string const& name) { return "coauth:" + name; }
    static std::string claim_key(std::string const& name) { return record_key(name) + ":claim"; }

    std::shared_ptr<redis::connection> connection_;
};

std::string from_environment(char const* name)
{
    char const* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::shared_ptr<redis::connection> connect(asio::io_context& context)
{
    redis::config config;
    config.addr.port = from_environment("REDIS_PORT");
    config.username = from_environment("REDIS_USER");
    config.password = from_environment("REDIS_PASSWORD");
    config.health_check_interval = std::chrono::seconds(0);
    auto connection =
        std::make_shared<redis::connection>(context, redis::logger(redis::logger::level::err));
    connection->async_run(config, asio::consign(asio::detached, connection));
    return connection;
}

coauth::client_config config_from_environment()
{
    coauth::client_config config;
    config.server.token_endpoint = from_environment("COAUTH_TOKEN_ENDPOINT");
    config.authentication = coauth::client_authentication::client_secret_basic(
        std::getenv("COAUTH_CLIENT_ID"), std::getenv("COAUTH_CLIENT_SECRET"));
    config.tls.ca_file = from_environment("COAUTH_CA_FILE");
    return config;
}

int main()
{
    asio::io_context context;
    auto const connection = connect(context);
    auto const store = std::make_shared<boost_redis_store>(connection);
    coauth::shared_tokens_options options;
    // In a real program: coauth::secret_from_file("/run/secrets/token-keys").
    options.keys = [] { return coauth::secret("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="); };

    coauth::client client(context, config_from_environment());
    coauth::shared_tokens const one(client, store, options);
    coauth::shared_tokens const another(client, store, options);
    coauth::token_source first(one, coauth::token_request().scope("read"));
    coauth::token_source second(another, coauth::token_request().scope("read"));

    int served = 0;
    auto const count = [&](coauth::result<coauth::access_token> const& token)
    {
        if (token)
            std::cout << *token << '\n';
        else
            std::cerr << token.error() << '\n';
        served += token ? 1 : 0;
        if (served == 2)
            connection->cancel();
    };
    // The first response comes when the connection is there.
    redis::request question;
    question.push("EXISTS", "coauth:");
    connection->async_exec(
        question, redis::ignore,
        [&](boost::system::error_code, std::size_t)
        {
            first.async_get_access_token(count);
            second.async_get_access_token(count);
        });
    context.run();

    auto const published = one.counters().published + another.counters().published;
    std::cout << served << " tokens, " << published << " fetch\n";
    return served == 2 && published == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
