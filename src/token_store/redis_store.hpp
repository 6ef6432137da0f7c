#ifndef COAUTH_SRC_TOKEN_STORE_REDIS_STORE_HPP
#define COAUTH_SRC_TOKEN_STORE_REDIS_STORE_HPP

#include <coauth/redis_token_store.hpp>

#include "net/context_shutdown.hpp"
#include "token_store/redis_error.hpp"
#include "token_store/redis_pipeline.hpp"
#include "token_store/redis_verbs.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace coauth::redis
{

class store;

// One call of a verb: it is sent, perhaps again in another form or to another server, and completes
// once. Used on the strand of its store.
class operation final : public pipelined_request, public std::enable_shared_from_this<operation>
{
public:
    using handler_type = std::variant<token_store::load_handler, token_store::store_handler>;
    using time_point = token_store::time_point;

    operation(
        std::shared_ptr<store> owner, verb_call call, time_point deadline, handler_type handler);

    [[nodiscard]] time_point deadline() const noexcept { return deadline_; }
    // Terminal, partial and total cancellation ends it.
    void connect_cancellation_slot();

    void start();
    // Completes with this error, unless it has completed.
    void abort(errc reason) { fail(error(reason)); }
    void fail(error const& failure);

private:
    void on_replies(std::vector<reply> replies) override;
    void on_failure(error const& failure) override;

    void send();
    // Tries again after this error reply; false: it is the result.
    bool try_again(std::string_view text);
    void finish(std::vector<reply> replies);
    template <class T>
    void complete(result<T> outcome);

    std::shared_ptr<store> const owner_;
    verb_call const call_;
    time_point const deadline_;
    handler_type handler_;
    command_form form_ = command_form::script_digest;
    // Where it is, or was last.
    std::shared_ptr<pipeline> server_;
    // Where the cluster says that it is once. Null: nowhere else.
    std::shared_ptr<pipeline> asked_;
    unsigned tries_ = 0;
    bool has_replaced_connection_ = false;
    bool is_complete_ = false;
};

// The state behind a `redis_token_store`. It lives until its last operation has completed, or the
// context is destroyed.
class store final : public net::context_shutdown::listener,
                    public std::enable_shared_from_this<store>
{
public:
    store(boost::asio::any_io_executor executor, redis_options options);
    ~store();

    [[nodiscard]] result<void> validate() const;
    void start(verb_call call, token_store::time_point deadline, operation::handler_type handler);
    // Completes all operations with errc::cancelled, soon.
    void close() noexcept;

    // The following on the strand.

    [[nodiscard]] std::string const& prefix() const noexcept { return settings_->options.prefix; }
    [[nodiscard]] boost::asio::any_io_executor const& executor() const noexcept
    {
        return executor_;
    }
    // The server that has the name, as far as it is known.
    [[nodiscard]] std::shared_ptr<pipeline> server_of(std::string const& name);
    // Another server of the cluster. Null: it has too many.
    [[nodiscard]] std::shared_ptr<pipeline>
    find_server(std::string const& host, std::uint16_t port);
    void on_moved(std::uint16_t slot, std::shared_ptr<pipeline> to);
    // A server cannot be reached: whether there is another to try.
    [[nodiscard]] bool forget(pipeline const& failed);
    void remove(operation& completed) noexcept;
    // Calls `run` on the strand, later. Without memory, or a context, it is destroyed.
    template <class Function>
    void post(Function run) noexcept
    {
        std::lock_guard const lock(mutex_);
        try
        {
            if (strand_)
                boost::asio::post(strand_, std::move(run));
        }
        catch (...) // NOLINT(bugprone-empty-catch): documented
        {
        }
    }

private:
    using operations = std::multimap<token_store::time_point, std::shared_ptr<operation>>;

    void add(std::shared_ptr<operation> const& added);
    void arm_timer();
    void on_timer();
    void close_on_strand() noexcept;
    void on_context_shutdown() noexcept override;

    boost::asio::any_io_executor const executor_;
    result<void> status_;
    // Null if the options are invalid.
    std::shared_ptr<server_settings const> settings_;

    // Guards the strand, until the context is gone.
    std::mutex mutex_;
    boost::asio::any_io_executor strand_;
    std::optional<boost::asio::steady_timer> timer_;

    operations running_;
    token_store::time_point armed_until_ = token_store::time_point::max();
    bool is_armed_ = false;
    bool is_closed_ = false;
    // That of the URL.
    std::shared_ptr<pipeline> first_;
    // The other servers of a cluster, and which slots they have.
    std::map<std::pair<std::string, std::uint16_t>, std::shared_ptr<pipeline>> others_;
    std::map<std::uint16_t, std::shared_ptr<pipeline>> slots_;
};

} // namespace coauth::redis

#endif
