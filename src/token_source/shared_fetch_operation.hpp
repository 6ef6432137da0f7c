#ifndef COAUTH_SRC_TOKEN_SOURCE_SHARED_FETCH_OPERATION_HPP
#define COAUTH_SRC_TOKEN_SOURCE_SHARED_FETCH_OPERATION_HPP

#include "policy/shared_fetch.hpp"
#include "token_source/shared_fetcher.hpp"
#include "token_store/record.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

namespace coauth::detail
{

// One fetch for which a fleet shares a token.
//
// As in `function_fetch`, a timer is armed whenever nothing else is done, and keeps the operation
// alive. What happens in another thread is noted, and wakes the timer, which needs no memory. All
// decisions are taken, and all functions of the user are called, by the handler of the timer, on
// the executor and under no lock.
class shared_fetch_operation final : public abortable,
                                     public std::enable_shared_from_this<shared_fetch_operation>
{
public:
    struct parameters
    {
        token_fetch what;
        // In the store.
        std::string name;
        std::shared_ptr<std::uint64_t> credentials_version;
        // Success, or the outcome of the fetch.
        result<void> status;
    };

    shared_fetch_operation(
        std::shared_ptr<shared_fetcher> fetcher, parameters chosen, token_handler handler);
    ~shared_fetch_operation();
    shared_fetch_operation(shared_fetch_operation const&) = delete;
    shared_fetch_operation& operator=(shared_fetch_operation const&) = delete;

    // Does nothing within this call.
    void begin();
    void abort(errc reason) noexcept override;

private:
    friend class shared_fetch_registry;
    class inner_handler;
    using clock = std::chrono::steady_clock;
    using action = policy::shared_fetch::action;
    // The other fetcher ends its fetch at its deadline. This is for one that does not.
    static constexpr std::chrono::seconds grace{1};
    using outcome_type = std::optional<result<access_token>>;

    enum class phase
    {
        starting,
        // An operation of the store runs, until `next_step_`.
        storing,
        // Until `next_step_`.
        waiting,
        // The other fetcher fetches.
        fetching,
        publishing,
    };

    // What other threads say. Guarded by the mutex of the registry, as are the members below it.
    struct notes
    {
        std::optional<result<stored_record>> loaded;
        std::optional<result<bool>> stored;
        outcome_type fetched;
        std::optional<errc> aborted;
        bool claim_lost = false;

        [[nodiscard]] bool empty() const noexcept
        {
            return !loaded && !stored && !fetched && !aborted && !claim_lost;
        }
    };

    template <class Note>
    void note(Note const& change) noexcept;
    void arm(clock::time_point when);
    void on_timer();
    void end(result<access_token> outcome);

    // Each returns the outcome of the fetch; none: it goes on.
    outcome_type run(notes& news);
    outcome_type start();
    outcome_type on_stored(notes const& news);
    outcome_type on_loaded(stored_record const& stored, clock::time_point now);
    outcome_type on_claimed(bool won, clock::time_point now);
    outcome_type on_store_error(error const& failure);
    outcome_type take(policy::shared_fetch::step const& step);
    outcome_type start_fetch();
    outcome_type on_fetched(result<access_token> outcome);
    outcome_type publish(std::optional<record_content> const& content);
    outcome_type on_published(notes const& news);
    outcome_type serve();
    outcome_type fail();

    [[nodiscard]] std::uint64_t number_of_fetch() const noexcept
    {
        return parameters_.what.operation;
    }
    [[nodiscard]] policy::shared_record view_of(stored_record const& stored, clock::time_point now);
    [[nodiscard]] std::optional<record_content> content_of(result<access_token> const& outcome);
    void start_store_operation(action what, clock::time_point until);
    template <class Call>
    void guard_store_operation(Call call);
    void call_store(action what, clock::time_point until);
    void on_claim_taken();
    void renew_claim(clock::time_point now);
    void release_claim() noexcept;
    // The handler of an operation of the store. What comes after the operation has timed out is
    // ignored.
    template <class T>
    [[nodiscard]] auto store_handler(std::optional<result<T>> notes::* where);
    // The handler of an operation that nothing waits for.
    template <class Then>
    [[nodiscard]] auto background_handler(store_operation operation, Then then);

    std::shared_ptr<shared_fetch_registry> const registry_;
    std::shared_ptr<shared_fetcher> const fetcher_;
    parameters const parameters_;
    clock::time_point const began_;
    clock::time_point const deadline_;

    // Used by the handler of the timer alone.
    phase phase_ = phase::starting;
    clock::time_point next_step_;
    std::optional<policy::shared_fetch> policy_;
    std::optional<policy::claim_renewal> renewal_;
    std::shared_ptr<key_ring const> keys_;
    std::string owner_;
    store_operation operation_ = store_operation::load;
    clock::time_point operation_began_;
    // This operation has the claim, or may have it.
    bool has_claim_ = false;
    bool has_waited_ = false;
    bool has_met_unusable_ = false;
    // Why it goes on without the store.
    std::optional<error> store_error_;
    // What the last load showed.
    record_content record_;
    std::string record_digest_;
    std::weak_ptr<abortable> inner_;
    clock::time_point inner_deadline_;
    outcome_type fetched_;

    std::list<shared_fetch_operation*> node_;
    token_handler handler_;
    std::optional<boost::asio::steady_timer> timer_;
    notes notes_;
    // Of the operation of the store that runs.
    std::uint64_t number_ = 0;
};

template <class Note>
void shared_fetch_operation::note(Note const& change) noexcept
{
    std::lock_guard const lock(registry_->mutex_);
    try
    {
        if (!timer_)
            return;
        change(notes_);
        timer_->cancel();
    }
    catch (...) // NOLINT(bugprone-empty-catch): then the timer fires later
    {
    }
}

} // namespace coauth::detail

#endif
