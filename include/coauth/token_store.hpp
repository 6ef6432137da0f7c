#ifndef COAUTH_TOKEN_STORE_HPP
#define COAUTH_TOKEN_STORE_HPP

#include <coauth/detail/executor_bound_handler.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>

#include <chrono>
#include <string>
#include <type_traits>
#include <utility>

namespace coauth
{

/// What a `token_store` has under a name.
struct stored_record
{
    /// The record, as it was published. Empty: there is none.
    std::string record;
    /// The time until the store deletes the record. Zero without a record. A store that has lost
    /// the end of a record returns it as if there were none.
    std::chrono::milliseconds remaining{0};
    /// True if somebody holds the claim to the name.
    bool claimed = false;
};

/// The completion signature of `token_store::async_load`.
using load_completion_signature = void(result<stored_record>);
/// The completion signature of the other operations of a `token_store`.
using store_completion_signature = void(result<bool>);

/// A place where the processes of a fleet share tokens. `shared_tokens` uses it.
///
/// Under each name there may be a record, which is encrypted, and a claim. Both end by themselves
/// after a time that is measured by the store: clocks of different machines are never compared. The
/// holder of the claim is the one who fetches a token and publishes the record.
///
/// The operations have the guarantees of `client::async_get_access_token`: any completion token,
/// completion exactly once, never inside the call, on the handler's associated executor (by default
/// that of the store). Each is one round trip and ends at its `deadline`, with `errc::timeout`. It
/// may take effect all the same. Losing a record or a claim at any time is allowed: it costs one
/// more fetch. A lock that two can hold costs the same.
///
/// \par Your own store
/// Derive from this class and override the six `start_` functions. Each is one atomic step for the
/// name. They may be called from any thread, several at once. They must return quickly, and call
/// the handler exactly once, later, from any thread. It runs on its own executor, or in that thread
/// if it has none. Errors go to the handler: an exception counts as `errc::internal_error`. A
/// handler that is destroyed without a call is an error too. Names have at most 200 characters of
/// `A-Z a-z 0-9 . _ - : { }`; records have any bytes, at most 64 KiB.
///
/// \par Thread safety
/// All functions may be called from any thread at the same time. The store must outlive its
/// operations.
class COAUTH_DECL token_store
{
public:
    /// The type of the store's executor.
    using executor_type = boost::asio::any_io_executor;
    /// The type of a deadline.
    using time_point = std::chrono::steady_clock::time_point;
    /// The handler of `async_load`, as `start_load` gets it.
    using load_handler = boost::asio::any_completion_handler<load_completion_signature>;
    /// The handler of the other operations.
    using store_handler = boost::asio::any_completion_handler<store_completion_signature>;

    /// Releases the store.
    virtual ~token_store();
    ///@{

    /// Not copyable.
    token_store(token_store const&) = delete;
    token_store& operator=(token_store const&) = delete;
    ///@}

    /// The executor on which operations complete whose handlers have no executor of their own.
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    /// Loads the record and its remaining time, both of the same moment.
    template <boost::asio::completion_token_for<load_completion_signature> CompletionToken>
    auto async_load(std::string name, time_point deadline, CompletionToken&& token)
    {
        return boost::asio::async_initiate<CompletionToken, load_completion_signature>(
            initiation<&token_store::start_load>(*this), token, std::move(name), deadline);
    }

    /// Takes the claim for `owner`, unless somebody holds it. It ends after `lease`.
    ///
    /// \return True: `owner` holds it now. False: somebody holds it, be it `owner`.
    template <boost::asio::completion_token_for<store_completion_signature> CompletionToken>
    auto async_claim(
        std::string name, std::string owner, std::chrono::milliseconds lease, time_point deadline,
        CompletionToken&& token)
    {
        return boost::asio::async_initiate<CompletionToken, store_completion_signature>(
            initiation<&token_store::start_claim>(*this), token, std::move(name), std::move(owner),
            lease, deadline);
    }

    /// Lets the claim end `lease` from now, if `owner` still holds it.
    ///
    /// \return True: `owner` holds it. False: it does not; nothing has changed.
    template <boost::asio::completion_token_for<store_completion_signature> CompletionToken>
    auto async_renew(
        std::string name, std::string owner, std::chrono::milliseconds lease, time_point deadline,
        CompletionToken&& token)
    {
        return boost::asio::async_initiate<CompletionToken, store_completion_signature>(
            initiation<&token_store::start_renew>(*this), token, std::move(name), std::move(owner),
            lease, deadline);
    }

    /// Replaces the record and releases the claim, if `owner` still holds it. The store deletes the
    /// record after `life`.
    ///
    /// \return True: done. False: `owner` does not hold the claim; nothing has changed.
    template <boost::asio::completion_token_for<store_completion_signature> CompletionToken>
    auto async_publish(
        std::string name, std::string owner, std::string record, std::chrono::milliseconds life,
        time_point deadline, CompletionToken&& token)
    {
        return boost::asio::async_initiate<CompletionToken, store_completion_signature>(
            initiation<&token_store::start_publish>(*this), token, std::move(name),
            std::move(owner), std::move(record), life, deadline);
    }

    /// Releases the claim, if `owner` holds it.
    ///
    /// \return True: done. False: `owner` does not hold it; nothing has changed.
    template <boost::asio::completion_token_for<store_completion_signature> CompletionToken>
    auto
    async_release(std::string name, std::string owner, time_point deadline, CompletionToken&& token)
    {
        return boost::asio::async_initiate<CompletionToken, store_completion_signature>(
            initiation<&token_store::start_release>(*this), token, std::move(name),
            std::move(owner), deadline);
    }

    /// Removes the record, if it begins with `digest`: 16 bytes that identify its token, but do not
    /// reveal it. So nobody removes a token that has replaced the one he means.
    ///
    /// \return True: removed. False: there is none, or it is another.
    template <boost::asio::completion_token_for<store_completion_signature> CompletionToken>
    auto async_remove_if(
        std::string name, std::string digest, time_point deadline, CompletionToken&& token)
    {
        return boost::asio::async_initiate<CompletionToken, store_completion_signature>(
            initiation<&token_store::start_remove_if>(*this), token, std::move(name),
            std::move(digest), deadline);
    }

protected:
    /// A store with this executor.
    explicit token_store(executor_type executor) noexcept : executor_(std::move(executor)) {}

    /// Implements `async_load`.
    virtual void start_load(std::string name, time_point deadline, load_handler handler) = 0;
    /// Implements `async_claim`.
    virtual void start_claim(
        std::string name, std::string owner, std::chrono::milliseconds lease, time_point deadline,
        store_handler handler) = 0;
    /// Implements `async_renew`.
    virtual void start_renew(
        std::string name, std::string owner, std::chrono::milliseconds lease, time_point deadline,
        store_handler handler) = 0;
    /// Implements `async_publish`.
    virtual void start_publish(
        std::string name, std::string owner, std::string record, std::chrono::milliseconds life,
        time_point deadline, store_handler handler) = 0;
    /// Implements `async_release`.
    virtual void start_release(
        std::string name, std::string owner, time_point deadline, store_handler handler) = 0;
    /// Implements `async_remove_if`.
    virtual void start_remove_if(
        std::string name, std::string digest, time_point deadline, store_handler handler) = 0;

private:
    /// \cond
    template <auto Start>
    class initiation
    {
    public:
        explicit initiation(token_store& store) : store_(store) {}

        using executor_type = token_store::executor_type;
        [[nodiscard]] executor_type get_executor() const noexcept { return store_.get_executor(); }

        template <class Handler, class... Arguments>
        void operator()(Handler&& handler, Arguments&&... arguments) const
        {
            (store_.*Start)(
                std::forward<Arguments>(arguments)...,
                detail::executor_bound_handler<std::decay_t<Handler>>(
                    std::forward<Handler>(handler), store_.get_executor()));
        }

    private:
        token_store& store_;
    };
    /// \endcond

    executor_type const executor_;
};

} // namespace coauth

#endif
