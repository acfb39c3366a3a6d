/** The operations on orders, in the order in which the documents show them. */
import { cancelOrderOperation, confirmOrderOperation, deleteOrderOperation } from './command-order.ts';
import { getOrderOperation } from './get-order.ts';
import { listOrderEventsOperation } from './list-order-events.ts';
import { listCustomerOrdersOperation, listOrdersOperation } from './list-orders.ts';
import { placeOrderOperation } from './place-order.ts';

export const orderOperations = [
  placeOrderOperation,
  listOrdersOperation,
  listCustomerOrdersOperation,
  getOrderOperation,
  listOrderEventsOperation,
  confirmOrderOperation,
  cancelOrderOperation,
  deleteOrderOperation,
];
