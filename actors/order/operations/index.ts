/** What can be done with orders, by HTTP and by message, in the order in which the documents show it. */
import { cancelOrderOperation, confirmOrderOperation, deleteOrderOperation } from './command-by-http.ts';
import { cancelByMessage, confirmByMessage, placeByMessage } from './commands-by-message.ts';
import { getOrderOperation } from './get-order.ts';
import { listOrderEventsOperation } from './list-order-events.ts';
import { listCustomerOrdersOperation, listOrdersOperation } from './list-orders.ts';
import { placeOrderOperation } from './place-by-http.ts';

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

export const orderMessages = [placeByMessage, confirmByMessage, cancelByMessage];
