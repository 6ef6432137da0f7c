#ifndef COAUTH_TESTING_MEMORY_TOKEN_STORE_HPP
#define COAUTH_TESTING_MEMORY_TOKEN_STORE_HPP

#include <coauth/export.hpp>
#include <coauth/observer.hpp>
#include <coauth/token_store.hpp>

#include <boost/asio/execution_context.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coauth::testing
{

/// What a `memory_token_store` does wrong.
enum class store_fault_kind
{
    /// Nothing.
    none,
    /// It fails at once with `errc::connect_failed`, and the operation has no effect.
    refused,
    /// It takes effect and responds after `store_fault::delay`. At the deadline of the operation it
    /// fails with `errc::timeout`, and takes effect later all the same.
    slow,
    /// It takes effect, but the response is lost: it fails with `errc::timeout` at the deadline.
    lost_response,
    /// It has no effect, and fails with `errc::timeout` at the deadline.
    partition,
};

/// A fault of a `memory_token_store`. A plain aggregate.
struct store_fault
{
    /// What it does.
    store_fault_kind kind = store_fault_kind::none;
    /// The delay of `store_fault_kind::slow`.
    std::chrono::milliseconds delay{0};
    /// The operation that has the fault. None: all of them.
    std::optional<store_operation> operation = {};
    /// The number of operations that have the fault; those after them have none.
    std::size_t count = std::numeric_limits<std::size_t>::max();
};

/// A `token_store` in memory, for tests of programs that use `shared_tokens`: several token sources
/// of one program share it like the processes of a fleet. Link `coauth::testing`.
///
/// \par Thread safety
/// All functions may be called from any thread at the same time. Destroying it abandons no
/// operation.
class COAUTH_DECL memory_token_store final : public token_store
{
public:
    /// An empty store without faults.
    explicit memory_token_store(executor_type executor);
    /// The same with the executor of an execution context.
    template <class ExecutionContext>
        requires std::convertible_to<ExecutionContext&, boost::asio::execution_context&>
    explicit memory_token_store(ExecutionContext& context)
        : memory_token_store(executor_type(context.get_executor()))
    {
    }
    /// Running operations end as they would have.
    ~memory_token_store() override;

    /// Sets the fault of the operations that start from now on, in place of the one before.
    void set_fault(store_fault fault);
    /// Removes all records and claims, as a store does that is restarted or has no memory left.
    void evict();
    /// Changes a byte of each record.
    void corrupt();

    /// The names that have a record.
    [[nodiscard]] std::vector<std::string> names() const;
    /// The record of this name. Empty: there is none.
    [[nodiscard]] std::string record(std::string const& name) const;
    /// Writes a record, as somebody does who has access to the store.
    void put(std::string const& name, std::string record, std::chrono::milliseconds life);
    /// The number of operations of this kind that were started.
    [[nodiscard]] std::size_t count(store_operation operation) const;
    /// The number of all operations that were started.
    [[nodiscard]] std::size_t count() const;

private:
    void start_load(std::string name, time_point deadline, load_handler handler) override;
    void start_claim(
        std::string name, std::string owner, std::chrono::milliseconds lease, time_point deadline,
        store_handler handler) override;
    void start_renew(
        std::string name, std::string owner, std::chrono::milliseconds lease, time_point deadline,
        store_handler handler) override;
    void start_publish(
        std::string name, std::string owner, std::string record, std::chrono::milliseconds life,
        time_point deadline, store_handler handler) override;
    void start_release(
        std::string name, std::string owner, time_point deadline, store_handler handler) override;
    void start_remove_if(
        std::string name, std::string digest, time_point deadline, store_handler handler) override;

    template <class T, class Handler, class Effect>
    void run(store_operation operation, time_point deadline, Handler handler, Effect effect);

    struct state;
    std::shared_ptr<state> state_;
};

} // namespace coauth::testing

#endif
