#define BOOST_TEST_MODULE coauth_unit
#include <boost/test/unit_test.hpp>
